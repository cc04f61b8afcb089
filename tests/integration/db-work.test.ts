import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Database } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { explain } from "./db-explain.ts";

let cluster: TestCluster;
let database: Database;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  database = await cluster.createDatabase();
});

async function query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
  return (await database.pool.query(sql, values)).rows;
}

async function due(source: string, limit: number, run: string): Promise<string[]> {
  return (await query(`select ${source}($1, $2) as name`, [limit, run])).map(({ name }) => String(name));
}

it.each([
  ["Ok, quiet", "'Ok', 1", 24],
  ["Ok, lively", "'Ok', 200", 12],
  ["Ok, very lively", "'Ok', 5000", 6],
  ["No Seller", "'No Seller', 1", 168],
  ["not reviewed", "null, 1", 168],
  ["not reviewed, lively", "null, 200", 84],
  ["Non Related", "'Non Related', 5000", null],
  ["User Feed", "'User Feed', 5000", null],
  ["Banned", "'Banned', 5000", null],
])("a subreddit that is %s is due after its time", async (_, fields, hours) => {
  await query(
    `insert into reddit_subreddits (name, review, avg_upvotes_per_post, avg_comments_per_post, last_scraped_at, availability)
    values ('a', ${fields}, 0, now(), 'ok')`,
  );
  expect(
    await query(
      "select extract(epoch from next_due_at - last_scraped_at) / 3600 as hours from reddit_subreddits",
    ),
  ).toEqual([{ hours }]);
});

it("a subreddit is due at once when a person makes it Ok, and never when they make it Banned", async () => {
  await query(
    "insert into reddit_subreddits (name, last_scraped_at, availability) values ('a', now() - interval '2 days', 'ok')",
  );
  expect(await due("due_subreddits", 10, "r1")).toEqual([]);
  await query("update reddit_subreddits set review = 'Ok'");
  expect(await due("due_subreddits", 10, "r1")).toEqual(["a"]);
  await query("update reddit_subreddits set review = 'Banned'");
  expect(await query("select next_due_at from reddit_subreddits")).toEqual([{ next_due_at: null }]);
});

it("what does not answer is asked again soon, and no more after three confirmations", async () => {
  await query(
    `insert into reddit_subreddits (name, review, last_scraped_at, availability, availability_confirmations)
    values ('asked', 'Ok', now() - interval '3 hours', 'private', 2), ('given_up', 'Ok', now() - interval '9 days', 'private', 3)`,
  );
  expect(await due("due_subreddits", 10, "r1")).toEqual(["asked"]);
});

it("hands out the longest overdue first, and nothing twice to runs that ask at once", async () => {
  await query(
    "insert into reddit_subreddits (name, first_seen_at) select 's' || n, now() - n * interval '1 minute' from generate_series(1, 100) n",
  );
  expect(await due("due_subreddits", 2, "r0")).toEqual(["s100", "s99"]);
  const lists = await Promise.all(["r1", "r2", "r3", "r4"].map((run) => due("due_subreddits", 20, run)));
  const names = lists.flat();
  expect(new Set(names).size).toBe(names.length);
  const rest = await due("due_subreddits", 1000, "r5");
  expect(names.length + rest.length).toBe(98);
});

it.each(["SUCCEEDED", "FAILED", "ABORTED", "TIMED-OUT"])(
  "takes back what a run that is %s has leased",
  async (status) => {
    await query("insert into reddit_subreddits (name) values ('a')");
    await query("select open_run('r1', 'reddit')");
    expect(await due("due_subreddits", 1, "r1")).toEqual(["a"]);
    expect(await due("due_subreddits", 1, "r2")).toEqual([]);
    await query("update runs set status = $1", [status]);
    expect(await query("select finished_at is not null as finished from runs")).toEqual([{ finished: true }]);
    expect(await due("due_subreddits", 1, "r2")).toEqual(["a"]);
  },
);

it("takes back what a run leased that nobody has heard of for a day", async () => {
  await query("insert into reddit_subreddits (name) values ('a')");
  await due("due_subreddits", 1, "r1");
  await query("update work_leases set expires_at = now() - interval '1 second'");
  expect(await due("due_subreddits", 1, "r2")).toEqual(["a"]);
});

it("hands out users, ours first and daily, and none that a person has set inactive", async () => {
  await query(
    `insert into reddit_users (username, our_creator, status, last_scraped_at) values
    ('old', false, null, now() - interval '31 days'), ('ours', true, null, now() - interval '25 hours'),
    ('recent', false, null, now() - interval '25 hours'), ('gone', true, 'inactive', now() - interval '99 days')`,
  );
  expect(await due("due_users", 10, "r1")).toEqual(["ours", "old"]);
});

it("hands out posts to look at again as fullnames: young ones soon, old ones monthly, deleted ones never", async () => {
  await query(
    `insert into reddit_posts (reddit_id, last_scraped_at, next_due_at)
    select id, seen, post_due_at(created, seen) from (values
      ('young', now() - interval '7 hours', now() - interval '8 hours'),
      ('week', now() - interval '25 hours', now() - interval '3 days'),
      ('calm', now() - interval '25 hours', now() - interval '30 days'),
      ('old', now() - interval '31 days', now() - interval '90 days')) v(id, seen, created)`,
  );
  await query(
    "insert into reddit_posts (reddit_id, last_scraped_at) values ('deleted', now() - interval '99 days')",
  );
  expect((await due("recheck_posts", 10, "r1")).sort()).toEqual(["t3_old", "t3_week", "t3_young"]);
  expect(await due("recheck_posts", 10, "r2")).toEqual([]);
});

it("looks for a lease by its index, whatever order of text the names' column has", async () => {
  await query(
    "insert into work_leases (kind, key, run_id) select 'post', n::text, 'r' from generate_series(1, 5000) n",
  );
  await query(
    `insert into reddit_posts (reddit_id, last_scraped_at, next_due_at)
    select n::text, now(), now() from generate_series(4900, 5100) n`,
  );
  const plans = await explain(database.pool, "select recheck_posts(50, 'q')");
  const searches = plans.filter((line) => line.includes("Index Cond: ((kind = "));
  expect(searches.length).toBeGreaterThan(100);
  expect(searches.filter((line) => !/\) AND \(\(?key\)?.* = /.test(line))).toEqual([]);
});
