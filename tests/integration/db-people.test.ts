import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from "vitest";
import { actor } from "../../actors/reddit/main.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../sandbox/sandbox.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { testConfig } from "./test-site.ts";

const log = pino({ level: "silent" });
const WORLD: SandboxOptions = { seed: 3, subreddits: 20, users: 80, budgetRequests: 100_000 };
let cluster: TestCluster;
let database: Database;
let databaseUrl: string;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  const settings = await cluster.createMigratedConfig();
  databaseUrl = settings.databaseUrl!;
  database = await openDatabase(settings, { applicationName: "tests" });
  onTestFinished(() => database.close());
});

async function startWorld(options: SandboxOptions = {}): Promise<{ sandbox: Sandbox; names: string[] }> {
  const sandbox = await startSandbox({ ...WORLD, ...options });
  onTestFinished(() => sandbox.close());
  const response = await fetch(`${sandbox.url}/_sandbox/truth?count=4`);
  return { sandbox, ...((await response.json()) as { names: string[] }) };
}

async function crawl({ env }: Sandbox, input: object) {
  const config = await testConfig({ ...env, DATABASE_URL: databaseUrl, MAX_STALL_SECS: "2" });
  return (await runActor(actor, { config, log, input, database: {} })).summary;
}

async function rows(sql: string): Promise<Record<string, unknown>[]> {
  return (await database.pool.query(sql)).rows;
}

it("crawls leave alone what a person sets while they write the same rows", async () => {
  const { sandbox, names } = await startWorld();
  const input = { subreddits: names, listings: [{ sort: "hot", limit: 25 }] };
  expect((await crawl(sandbox, input))?.status).toBe("SUCCEEDED");
  const over = new AbortController();
  const editing = (async () => {
    let edits = 0;
    for (; !over.signal.aborted; edits++) {
      for (const name of names) {
        await database.pool.query(
          `update reddit_subreddits set review = 'No Seller', primary_category = 'c', notes = 'mine',
            tags = tags || array['n:${edits}'] where name = $1`,
          [name],
        );
      }
    }
    return edits;
  })();
  for (let run = 0; run < 3; run++) expect((await crawl(sandbox, input))?.status).toBe("SUCCEEDED");
  over.abort();
  const edits = await editing;
  expect(edits).toBeGreaterThan(10);
  expect(
    await rows(
      "select review, primary_category, notes, cardinality(tags) as tags from reddit_subreddits order by name",
    ),
  ).toEqual(names.map(() => ({ review: "No Seller", primary_category: "c", notes: "mine", tags: edits })));
});

it.each([
  ["a blocked proxy", { proxies: [{ kind: "blocked" }] }, {}],
  ["closed public pages", { public: "closed" }, { source: "public" }],
] as [string, SandboxOptions, object][])("%s change no row", async (_, options, source) => {
  const open = await startWorld();
  const input = { subreddits: open.names, users: ["nobody_of_this_name"] };
  expect((await crawl(open.sandbox, input))?.status).toBe("SUCCEEDED");
  const read = () =>
    rows(
      `select to_jsonb(s) as row from reddit_subreddits s
      union all select to_jsonb(u) from reddit_users u order by 1`,
    );
  const before = await read();
  expect(before.map(({ row }) => (row as { availability: string }).availability)).toContain("not_found");

  const { sandbox } = await startWorld(options);
  const summary = await crawl(sandbox, { ...input, ...source });
  expect(summary).toMatchObject({ status: "FAILED", requestsFinished: 0 });
  expect(await read()).toEqual(before);
});
