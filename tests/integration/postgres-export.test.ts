import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type DatabaseSource, selectFromDatabase } from "../../shared/cli/export-database.ts";
import { openPostgresRunStorage } from "../../shared/crawl/postgres/postgres-run-storage.ts";
import type { Item } from "../../shared/crawl/run-storage.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { InvalidInputError } from "../../shared/errors.ts";
import { commit, post, request } from "../contract/run-storage-samples.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { temporaryFolder } from "./test-site.ts";

const B9 = path.resolve(import.meta.dirname, "../../b9");
const ITEMS = 20_000;

let cluster: TestCluster;
let database: Database;
let env: Record<string, string>;
beforeAll(async () => {
  cluster = await startCluster();
  const config = await cluster.createMigratedConfig();
  database = await openDatabase(config, { applicationName: "tests" });
  env = { DATABASE_URL: config.databaseUrl!, PATH: process.env["PATH"]! };
  await database.pool.query("select open_run('one', 'reddit', '{}')");
  const storage = await openPostgresRunStorage({ database, runId: "one" });
  await storage.addRequests([request("a")]);
  const items = ["b", "a", "c"].map((key, i) =>
    post(key, { title: `"${key}", said\nI`, score: i, observed_at: "2026-01-01T00:00:00Z" }),
  );
  await storage.commitRequests([commit((await storage.claimRequests(1))[0]!, { items })]);
  await storage.close();
});
afterAll(async () => {
  await database.close();
  await cluster.stop();
});

async function b9(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(B9, ["export", ...args], { env, maxBuffer: 1e9 });
  return stdout;
}

async function failure(...args: string[]): Promise<{ code: number; stderr: string }> {
  return b9(...args).then(
    () => Promise.reject(new Error("expected it to fail")),
    (error) => error,
  );
}

async function read(source: DatabaseSource): Promise<Item[]> {
  return Array.fromAsync((await selectFromDatabase(database.pool, source))());
}

const lines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

it("prints a run's dataset in the order of first sight", async () => {
  const items = lines(await b9("reddit_posts", "--db", "--run", "one"));
  expect(items.map((item) => item.reddit_id)).toEqual(["b", "a", "c"]);
  expect(items[0]).toEqual({
    reddit_id: "b",
    title: '"b", said\nI',
    score: 0,
    observed_at: "2026-01-01T00:00:00Z",
  });
});

it("reads what of a table or dataset meets a condition", async () => {
  const rows = await read({ name: "reddit_posts", where: "score >= 1 -- and more" });
  expect(rows.map((row) => row["reddit_id"]).sort()).toEqual(["a", "c"]);
  const items = await read({ name: "reddit_posts", runId: "one", where: "item->>'score' = '2'" });
  expect(items.map((item) => item["reddit_id"])).toEqual(["c"]);
});

it("writes a table as CSV", async () => {
  const out = path.join(await temporaryFolder(), "posts.csv");
  await b9("reddit_posts", "--db", "--format", "csv", "--out", out, "--where", "reddit_id = 'a'");
  const [head, ...rest] = (await readFile(out, "utf8")).split("\r\n");
  expect(head!.split(",")).toEqual(expect.arrayContaining(["reddit_id", "title", "last_scraped_at"]));
  expect(rest.join("\r\n")).toContain('"""a"", said\nI"');
});

it("names what there is when it is asked for something else", async () => {
  expect(await failure("nope", "--db")).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/no table "nope"; there are: .*reddit_posts.*--run/),
  });
  await expect(read({ name: "nope", runId: "one" })).rejects.toThrow(
    'no dataset "nope" in run one; there are: reddit_posts',
  );
  await expect(read({ name: "reddit_posts", runId: "two" })).rejects.toThrow('no run "two"');
});

it.each([
  "1 = 1; drop table runs",
  "true); drop table runs; --",
  "open_run('x', 'y') > 0",
  "nextval('request_places') > 0",
  "set_config('transaction_read_only', 'off', false) is not null and open_run('x', 'y') > 0",
  "query_to_xml('delete from runs', true, true, '') is not null",
  "lo_create(0) > 0",
  "no_such_column",
  "score = 'x'",
  "",
])("refuses the condition %j", async (where) => {
  const reading = read({ name: "reddit_posts", where });
  await expect(reading).rejects.toThrow(InvalidInputError);
  await expect(reading).rejects.toThrow(`--where ${JSON.stringify(where)}: `);
  const { rows } = await database.pool.query("select id from runs");
  expect(rows).toEqual([{ id: "one" }]);
});

it("streams a dataset that would not fit into its memory", async () => {
  await database.pool.query(
    `insert into dataset_items (day, dataset_id, key, place, item)
    select d.day, d.id, 'key' || n, 1000000 + n, jsonb_build_object('reddit_id', 'key' || n, 'text', repeat(md5(n::text), 60))
    from datasets d, generate_series(1, ${ITEMS}) n where d.name = 'reddit_posts'`,
  );
  // The items alone are 40 MB.
  env["NODE_OPTIONS"] = "--max-old-space-size=32";
  const text = await b9("reddit_posts", "--db", "--run", "one", "--where", "key like 'key%'");
  expect(text.length).toBeGreaterThan(38_000_000);
  expect(text.match(/\n/g)).toHaveLength(ITEMS);
});
