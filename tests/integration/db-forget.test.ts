import { afterAll, beforeAll, expect, it } from "vitest";
import type { Item, PushedItem } from "../../shared/crawl/run-storage.ts";
import type { Database } from "../../shared/db/database.ts";
import { forget } from "../../shared/db/forget.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { commit, Queue, request } from "./db-queue-calls.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());

const NAME = "Quiet-Harbor";
const ID = "zq9x7";
const pushed = (dataset: string, key: string, item: Item): PushedItem => ({
  dataset,
  key,
  item: { observed_at: "2026-03-01T12:00:00Z", source: "/x", ...item },
});

/** A run that meets the person wherever one can be met, and others who mention them. */
async function crawl(database: Database, runId: string): Promise<Queue> {
  const queue = await Queue.open(database.pool, runId);
  await queue.add([
    request(`user:${NAME}`, {
      url: `https://www.reddit.com/user/${NAME}/about`,
      userData: { username: NAME },
    }),
    request("authors", {
      url: `https://www.reddit.com/api/user_data?ids=t2_${ID},t2_other`,
      userData: { ids: [`t2_${ID}`, "t2_other"] },
    }),
    request("unhandled", { url: `https://www.reddit.com/u/${NAME.toLowerCase()}/submitted` }),
    request("listing"),
  ]);
  const claimed = await queue.claim(10);
  const listing = claimed.find(({ uniqueKey }) => uniqueKey === "listing")!;
  const items = [
    pushed("reddit_users", NAME.toLowerCase(), {
      username: NAME,
      reddit_id: ID,
      bio: "me",
      link_karma: 5,
      comment_karma: 1,
    }),
    pushed("reddit_users", "other", { username: "other", reddit_id: "other", bio: `friend of u/${NAME}` }),
    pushed("reddit_users", "not-quiet-harbor", { username: "not-Quiet-Harbor", reddit_id: "n" }),
    pushed("reddit_posts", "theirs", {
      reddit_id: "theirs",
      author_username: NAME,
      author_fullname: `t2_${ID}`,
      title: "mine",
      score: 3,
    }),
    pushed("reddit_posts", "profile", {
      reddit_id: "profile",
      author_username: null,
      subreddit_name: `u_${NAME}`,
      title: "mine",
    }),
    pushed("reddit_posts", "others", {
      reddit_id: "others",
      author_username: "other",
      title: `Thanks ${NAME}!`,
      selftext: `line\n${NAME.toUpperCase()} and https://www.reddit.com/user/${NAME}/`,
      score: 1,
    }),
    pushed("reddit_comments", "c", { reddit_id: "c", author_username: NAME, body: "text" }),
    pushed("reddit_subreddits", `u_${NAME}`.toLowerCase(), { name: `u_${NAME}`, title: NAME }),
    pushed("reddit_subreddits", "node", {
      name: "node",
      title: "Node",
      description: `founded by /u/${NAME}`,
    }),
    pushed("reddit_discoveries", `found\u001fu/${NAME}`.toLowerCase(), {
      name: "found",
      seen_in: `u/${NAME}`,
    }),
    pushed("failed_requests", "f", {
      request_id: "f",
      url: `https://www.reddit.com/user/${NAME}/about`,
      last_error: `404 for ${NAME}`,
    }),
    pushed("reddit_posts", "bad-too", {
      reddit_id: "bad-too",
      score: "many",
      author_username: NAME,
      title: "words of their own",
    }),
    pushed("reddit_posts", "bad", { reddit_id: "bad", score: "many", title: `about ${NAME}` }),
  ];
  await queue.commit([
    commit(listing, {
      items,
      children: [request("child", { url: `https://www.reddit.com/r/u_${NAME}/new` })],
    }),
    ...claimed.filter((one) => one !== listing && one.uniqueKey !== "unhandled").map((one) => commit(one)),
  ]);
  return queue;
}

/** Every row of every table as text. */
async function dump(database: Database): Promise<string> {
  const { rows: tables } = await database.pool.query(
    "select oid::regclass as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'",
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await database.pool.query(`select t::text as text from ${name} t`);
    texts.push(...rows.map(({ text }) => text));
  }
  const { rows: records } = await database.pool.query(
    "select convert_from(value, 'UTF8') as text from key_value_records",
  );
  return [...texts, ...records.map(({ text }) => text)].join("\n");
}

it("leaves no trace of a person in a dump of everything, and a later crawl brings none back", async () => {
  const database = await cluster.createDatabase();
  const { pool } = database;
  const queue = await crawl(database, "run1");
  await pool.query("update runs set input = $1, status_message = $2", [
    { users: [NAME, "other"] },
    `met ${NAME}`,
  ]);
  await pool.query(
    "insert into key_value_records (store, key, content_type, value) values ('run1', 'INPUT', 'application/json', $1)",
    [Buffer.from(JSON.stringify({ users: [`\n${NAME}`], ids: [`t2_${ID}`] }))],
  );
  await pool.query("select write_logs($1)", [
    JSON.stringify([
      { source: "reddit", level: "warn", message: `no answer about ${NAME}` },
      { source: "reddit", level: "info", message: "fine", context: { a: 1 } },
    ]),
  ]);
  await pool.query("select record_usage($1)", [
    JSON.stringify([{ provider: "reddit", endpoint: `/user/${NAME}/about` }]),
  ]);
  await pool.query("select due_users(10, 'run1')");
  await pool.query("update reddit_users set notes = $1 where username = 'other'", [`knows ${NAME}`]);
  const trace = new RegExp(`(?<!not-)${NAME}|${ID}|words of their own`, "i");
  expect(await dump(database)).toMatch(trace);

  const erased = await forget(pool, "reddit_user", NAME.toLowerCase());
  expect(erased).toMatchObject({ reddit_users: 1, reddit_posts: 2, requests: 3 });
  expect(await dump(database)).not.toMatch(trace);

  const { rows: kept } = await pool.query(
    "select title, selftext from reddit_posts where reddit_id = 'others'",
  );
  expect(kept).toEqual([
    {
      title: "Thanks [forgotten]!",
      selftext: "line\n[forgotten] and https://www.reddit.com/user/[forgotten]/",
    },
  ]);
  const { rows: users } = await pool.query("select username from reddit_users order by 1");
  expect(users).toEqual([{ username: "not-Quiet-Harbor" }, { username: "other" }]);
  await expectExactCounts(queue);

  await crawl(database, "run2");
  const { rows: names } = await pool.query(
    `select username as name from reddit_users where username ~* $1 union all select reddit_id from reddit_posts where author_username ~* $1
    union all select name from reddit_subreddits where name ~* $1 union all select seen_in from reddit_discoveries where seen_in ~* $1
    union all select key from dataset_items where key ~* $1 or item->>'author_username' ~* $1 union all select url from requests where run_number = 2 and url !~ 'ids=' and url ~* $2`,
    [`^(u[_/])?${NAME}$`, NAME],
  );
  expect(names).toEqual([]);
});

it("takes a name that is a word of the language only where it is a name", async () => {
  const database = await cluster.createDatabase();
  const { pool } = database;
  await pool.query(
    "insert into reddit_posts (reddit_id, title, last_scraped_at) select n::text, 'new music ' || n, now() from generate_series(1, 150) n",
  );
  await pool.query(
    "insert into reddit_posts (reddit_id, title, author_username, last_scraped_at) values ('a', 'by u/music', 'other', now()), ('b', 'mine', 'Music', now())",
  );
  expect(await forget(pool, "reddit_user", "music")).toMatchObject({ reddit_posts: 1, blanked: 1 });
  const { rows } = await pool.query("select count(*) as n from reddit_posts where title like 'new music %'");
  expect(rows).toEqual([{ n: 150 }]);
  const { rows: mention } = await pool.query("select title from reddit_posts where reddit_id = 'a'");
  expect(mention).toEqual([{ title: "by [forgotten]" }]);
});

it("refuses what is no user name, and kinds that it does not know", async () => {
  const { pool } = await cluster.createDatabase();
  await expect(forget(pool, "reddit_user", "a.*b")).rejects.toThrow(/name: expected a user name, got a\.\*b/);
  await expect(forget(pool, "cat", "tom")).rejects.toThrow(/kind: expected reddit_user, got cat/);
});

async function expectExactCounts(queue: Queue): Promise<void> {
  const { rows } = await queue.pool.query(
    `select (select count(*) from requests where run_number = $1) as total,
      (select count(*) from requests where run_number = $1 and state = 'handled') as handled,
      (select jsonb_object_agg(name, n) from (select d.name, count(*) as n from dataset_items i join datasets d on d.id = i.dataset_id
        where d.run_number = $1 group by 1) c) as items`,
    [queue.run],
  );
  const { total, handled } = await queue.counts();
  expect({ total, handled, items: await queue.itemCounts() }).toEqual(rows[0]);
}
