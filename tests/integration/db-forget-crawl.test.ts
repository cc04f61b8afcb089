import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from "vitest";
import { actor } from "../../actors/reddit/main.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import type { Config } from "../../shared/config.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { forget } from "../../shared/db/forget.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { dump } from "./db-dump.ts";
import { testConfig } from "./test-site.ts";

const log = pino({ level: "silent" });
let cluster: TestCluster;
let sandbox: Sandbox;
let names: string[];
let database: Database;
let config: Config;
beforeAll(async () => {
  cluster = await startCluster();
  sandbox = await startSandbox({ seed: 7, subreddits: 20, users: 80, budgetRequests: 100_000 });
  ({ names } = (await (await fetch(`${sandbox.url}/_sandbox/truth?count=3`)).json()) as { names: string[] });
});
afterAll(async () => {
  await sandbox.close();
  await cluster.stop();
});
beforeEach(async () => {
  const settings = await cluster.createMigratedConfig();
  database = await openDatabase(settings, { applicationName: "tests" });
  onTestFinished(() => database.close());
  config = await testConfig({ ...sandbox.env, DATABASE_URL: settings.databaseUrl! });
});

async function crawl(input: object): Promise<void> {
  const { summary } = await runActor(actor, { config, log, input, database: {} });
  expect(summary?.status).toBe("SUCCEEDED");
}

interface Person {
  name: string;
  id: string;
}

/** Authors of several posts. */
async function readPeople(): Promise<Person[]> {
  const { rows } = await database.pool.query<Person>(
    `select author_username as name, substr(author_fullname, 4) as id from reddit_posts
    where author_fullname is not null group by 1, 2 having count(*) > 2 order by 1`,
  );
  return rows;
}

/** Finds the name, the id and the fullname of a person, as words of their own. */
function traceOf({ name, id }: Person): RegExp {
  return new RegExp(String.raw`(?:(?<![\w-])|\\[nrt])(?:u_)?(?:${name}|(?:t2_)?${id})(?![\w-])`, "gi");
}

it.each(["full", "batch"])(
  "leaves no trace of a person that the world is full of, nor does a later crawl: authors %s",
  async (authors) => {
    const input = {
      subreddits: names,
      listings: [{ sort: "new", limit: 40 }],
      user_history: { listing: "overview", limit: 20 },
      authors,
      discover: true,
    };
    await crawl(input);
    const people = await readPeople();
    // One whose name is a word, and one of letters, digits and signs.
    const plain = people.find(({ name }) => /^[a-z]+$/i.test(name))!;
    const mixed = people.find(({ name }) => /\d/.test(name))!;
    for (const person of [plain, mixed]) {
      const before = (await dump(database.pool)).match(traceOf(person));
      expect(before!.length).toBeGreaterThan(5);
      await forget(database.pool, "reddit_user", person.name);
      expect((await dump(database.pool)).match(traceOf(person))).toBeNull();
    }
    await crawl({ ...input, users: [plain.name, mixed.name, people.at(-1)!.name] });
    const later = await dump(database.pool);
    expect([plain, mixed].map((person) => later.match(traceOf(person)))).toEqual([null, null]);
    expect(await readPeople()).toEqual(people.filter((one) => one !== plain && one !== mixed));
    const { rows } = await database.pool.query("select count(*) as n from failed_items");
    expect(rows).toEqual([{ n: 0 }]);
  },
);

it("leaves no trace of a person whom a crawl is meeting just now", async () => {
  await crawl({ subreddits: names, authors: "none", rules: false });
  const people = (await readPeople()).slice(0, 5);
  const running = crawl({
    subreddits: names,
    authors: "full",
    rules: false,
    users: people.map(({ name }) => name),
  });
  for (const { name } of people) {
    await sleep(300);
    await forget(database.pool, "reddit_user", name);
  }
  await running;
  const found = await dump(database.pool);
  expect(people.map((person) => found.match(traceOf(person)))).toEqual(people.map(() => null));
});
