import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Item, PushedItem } from "../../shared/crawl/run-storage.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { forget } from "../../shared/db/forget.ts";
import { knownKey } from "../../actors/reddit/known-posts.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { dump } from "./db-dump.ts";
import { commit, Queue, request } from "./db-queue-calls.ts";

const B9 = resolve(import.meta.dirname, "../../b9");
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
  expect(await dump(pool)).toMatch(trace);

  const erased = await forget(pool, "reddit_user", NAME.toLowerCase());
  expect(erased).toMatchObject({ reddit_users: 1, reddit_posts: 2, requests: 3 });
  expect(await dump(pool)).not.toMatch(trace);

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

  const later = await crawl(database, "run2");
  expect(await dump(pool)).not.toMatch(trace);
  await expectExactCounts(later);
  const { rows: asked } = await pool.query(
    "select url, user_data, lease_owner from requests where run_number = $1 and url ~ 'ids='",
    [later.run],
  );
  expect(asked).toEqual([
    {
      url: "https://www.reddit.com/api/user_data?ids=t2_other",
      user_data: { ids: ["t2_other"] },
      lease_owner: "me",
    },
  ]);
});

it("keeps out of lists, inputs, records and logs that come later, and by an id that only they tell", async () => {
  const { pool } = await cluster.createDatabase();
  // Nothing is known of the account but its name.
  await forget(pool, "reddit_user", NAME);
  const queue = await Queue.open(pool, "later");
  await queue.push([
    pushed("reddit_posts", "p", { reddit_id: "p", author_username: NAME, author_fullname: `t2_${ID}` }),
    pushed("reddit_posts", "q", { reddit_id: "q", author_username: "other", title: `\nnot by\n${NAME}` }),
  ]);
  const author = (id: string, username: string) => ({ id: `t2_${id}`, username });
  await queue.add([
    request(`info:node,u_${NAME}`.toLowerCase(), {
      url: `https://www.reddit.com/api/info?sr_name=u_${NAME},node&raw_json=1`,
      userData: { names: [`u_${NAME}`, "node"], plan: { authors: "full" } },
    }),
    request("authors:node:1", {
      url: `https://www.reddit.com/api/user_data_by_account_ids?ids=t2_${ID}`,
      userData: { chain: { unknown: [author(ID, NAME), author("o", "other")] }, usernames: [NAME, "other"] },
    }),
    request("about", { userData: { username: NAME } }),
  ]);
  const { rows: requests } = await pool.query(
    "select unique_key, url, user_data from requests where state = 'pending' order by place",
  );
  expect(requests).toEqual([
    {
      unique_key: "info:node",
      url: "https://www.reddit.com/api/info?sr_name=node&raw_json=1",
      user_data: { names: ["node"], plan: { authors: "full" } },
    },
    {
      unique_key: "authors:node:1",
      url: "https://www.reddit.com/api/user_data_by_account_ids?ids=",
      user_data: { chain: { unknown: [author("o", "other")] }, usernames: ["other"] },
    },
  ]);

  const input = { users: [NAME, "other"] };
  const { rows: joined } = await pool.query("select join_run('r', 'reddit', $1) as run", [input]);
  const { rows: again } = await pool.query("select join_run('r', 'reddit', $1) as run", [input]);
  const run = { input: { users: ["other"] }, isSameInput: true };
  expect([joined[0].run, again[0].run]).toMatchObject([run, run]);
  await pool.query("select put_record('r', 'OUTPUT', 'application/json', $1)", [
    Buffer.from(JSON.stringify({ subjects: { [`u/${NAME}`]: { requests: 1 } } })),
  ]);
  await pool.query("select put_record('r', 'picture', 'image/png', $1)", [Buffer.from([0xff, 0xfe])]);
  await pool.query("select write_logs($1)", [
    JSON.stringify([{ source: "reddit", level: "warn", message: `no answer about u/${NAME}` }]),
  ]);
  const line = `GET /user/${NAME}/about\n`;
  await pool.query("insert into run_logs (run_id, start_offset, text) values ('r', 0, $1)", [line]);
  const { rows: lengths } = await pool.query("select octet_length(text) as bytes from run_logs");
  expect(lengths).toEqual([{ bytes: Buffer.byteLength(line) }]);
  expect(await dump(pool)).not.toMatch(new RegExp(`${NAME}|${ID}`, "i"));
});

it.each(["text", "running", "node", "full", "ok", "reddit_id", "not_found"])(
  "harms nothing that has a value, a field or a subreddit called like somebody: %s",
  async (name) => {
    const { pool } = await cluster.createDatabase();
    const store = async (runId: string) => {
      const queue = await Queue.open(pool, runId);
      await queue.add([
        request("listing:node:new", {
          url: "https://www.reddit.com/r/node/new?limit=100",
          userData: {
            subreddit: "node",
            plan: { authors: "full", listings: [{ sort: "new", time: "full" }] },
          },
        }),
      ]);
      await queue.push([
        pushed("reddit_posts", "a", { reddit_id: "a", subreddit_name: "node", content_type: "text" }),
        pushed("reddit_subreddits", "node", { name: "node", availability: "ok", url: "/r/node/" }),
        pushed("reddit_users", "x", { username: "x", availability: "not_found" }),
      ]);
    };
    const texts = async () => {
      const { rows } = await pool.query(
        `select to_jsonb(p) - '{first_seen_at,last_run_id}'::text[] as row from reddit_posts p
        union all select to_jsonb(s) - '{first_seen_at,last_run_id}'::text[] from reddit_subreddits s
        union all select to_jsonb(u) - '{first_seen_at,last_run_id}'::text[] from reddit_users u
        union all select jsonb_object_agg(key, item) from dataset_items
        union all select to_jsonb(q) from (
          select unique_key, url, user_data from requests where unique_key ~ 'listing' order by place limit 1) q`,
      );
      return rows;
    };
    await store("first");
    const before = await texts();
    await forget(pool, "reddit_user", name);
    expect(await texts()).toEqual(before);
    await pool.query("delete from dataset_items; delete from requests");
    await store("second");
    expect(await texts()).toEqual(before);
  },
);

it("leaves alone who is called alike on Instagram", async () => {
  const { pool } = await cluster.createDatabase();
  const name = "quiet_harbor1";
  const meet = async (runId: string) => {
    const { rows } = await pool.query("select open_run($1, 'instagram', $2) as number", [
      runId,
      { creators: [name] },
    ]);
    const queue = new Queue(pool, rows[0].number);
    await queue.add([
      request(`creator:${name}`, {
        url: `https://instagram-looter2.p.rapidapi.com/profile?username=${name}`,
        userData: { username: name },
      }),
    ]);
    await queue.commit(
      (await queue.claim(1)).map((one) =>
        commit(one, {
          items: [
            pushed("instagram_creators", "1", { ig_user_id: "1", username: name, biography: `I am ${name}` }),
            pushed("failed_requests", "f", { request_id: "f", url: `https://www.instagram.com/${name}/` }),
          ],
        }),
      ),
    );
    const { rows: found } = await pool.query(
      `select r.input, q.url, q.user_data, c.username, c.biography, jsonb_object_agg(i.key, i.item) as items
      from runs r join requests q on q.run_number = r.number join datasets d on d.run_number = r.number
      join dataset_items i on i.dataset_id = d.id, instagram_creators c where r.id = $1 group by 1, 2, 3, 4, 5`,
      [runId],
    );
    return found;
  };
  const before = await meet("r1");
  expect(before).toHaveLength(1);
  await forget(pool, "reddit_user", name);
  const { rows } = await pool.query("select username, biography from instagram_creators");
  expect(rows).toEqual([{ username: name, biography: `I am ${name}` }]);
  expect(await meet("r1")).toEqual(before);
  expect(await meet("r2")).toEqual(before);
});

/** Names from before Reddit had a rule. */
const ODD_NAMES = ["old name!", "!old.name", "o'brien & sons", "100% mine", "a(b)c[d]e{f}|^+x", "*", "a."];

describe("a name of other signs than today's", () => {
  let odd: Database;
  let databaseUrl: string;
  beforeAll(async () => {
    const config = await cluster.createMigratedConfig();
    databaseUrl = config.databaseUrl!;
    odd = await openDatabase(config, { applicationName: "tests" });
  });
  afterAll(() => odd.close());
  afterEach(() =>
    odd.pool.query(
      `truncate reddit_users, reddit_posts, reddit_subreddits, reddit_discoveries, dataset_items, datasets, requests, runs,
      run_counters, run_logs, system_logs, key_value_records, failed_items, work_leases, suppressions, suppressed_shapes cascade`,
    ),
  );

  it.each(ODD_NAMES)("erases whoever is called %s, and keeps them out", async (name) => {
    const { pool } = odd;
    const escaped = (text: string) => text.replaceAll(/[^\w-]/g, String.raw`\$&`);
    const forms = [
      name,
      encodeURIComponent(name),
      name.replaceAll("&", "&amp;"),
      name.replaceAll("'", "&#39;"),
    ];
    const trace = new RegExp(
      String.raw`(?:u[/_]|user/|user:|: ?"|[(,{]"?)(?:${forms.map(escaped).join("|")})(?![\w-])|${ID}`,
      "i",
    );
    const meet = async (runId: string): Promise<Queue> => {
      const queue = await Queue.open(pool, runId);
      const path = encodeURIComponent(name);
      await queue.add([
        request(`user:${name.toLowerCase()}`, {
          url: `https://www.reddit.com/user/${path}/about`,
          userData: { username: name },
        }),
        request("by url", { url: `https://www.reddit.com/u/${path}/submitted?limit=100` }),
        request(`about:u_${name}`.toLowerCase(), { url: `https://www.reddit.com/r/u_${path}/about` }),
        request("authors:node:1", {
          url: "https://www.reddit.com/api/user_data_by_account_ids?ids=t2_other",
          userData: {
            chain: { unknown: [{ id: "t2_other", username: "other" }] },
            usernames: [name, "other"],
          },
        }),
      ]);
      await queue.push([
        pushed("reddit_users", name.toLowerCase(), { username: name, reddit_id: ID, link_karma: 5 }),
        pushed("reddit_users", "other", { username: "other", reddit_id: "other", bio: `see /u/${name}` }),
        pushed("reddit_posts", "theirs", {
          reddit_id: "theirs",
          author_username: name,
          author_fullname: `t2_${ID}`,
          score: 3,
        }),
        pushed("reddit_posts", "others", {
          reddit_id: "others",
          author_username: "other",
          title: "No!!! 100% * of all names",
          selftext: `u/${name.toUpperCase()} at https://www.reddit.com/user/${path}/?x=1`,
        }),
        pushed("reddit_comments", "c", { reddit_id: "c", author_username: name, body: "text" }),
        pushed("reddit_subreddits", `u_${name}`.toLowerCase(), { name: `u_${name}` }),
        pushed("reddit_discoveries", `found\u001fu/${name}`.toLowerCase(), {
          name: "found",
          seen_in: `u/${name}`,
        }),
        pushed("failed_requests", "f", { request_id: "f", url: `https://www.reddit.com/user/${path}/about` }),
        pushed("reddit_posts", "bad", { reddit_id: "bad", score: "many", author_username: name }),
      ]);
      const inputs = [name, `u/${name}`, `https://www.reddit.com/user/${path}/`, "other"];
      await pool.query("select join_run($1, 'reddit', $2)", [`${runId}-joined`, { users: inputs }]);
      await pool.query("select put_record($1, 'INPUT', 'application/json', $2)", [
        runId,
        Buffer.from(JSON.stringify({ users: [name], subjects: { [`u/${name}`]: 1 } })),
      ]);
      await pool.query("select put_record($1, $2, 'application/json', '[]')", [runId, knownKey(`u_${name}`)]);
      await pool.query("select write_logs($1)", [
        JSON.stringify([{ source: "reddit", level: "warn", message: `no answer about u/${name}` }]),
      ]);
      await pool.query("insert into run_logs (run_id, start_offset, text) values ($1, 0, $2)", [
        runId,
        `GET /user/${path}/about for u/${name}\n`,
      ]);
      await pool.query("select due_users(10, $1)", [runId]);
      return queue;
    };
    const found = async () => (await dump(pool)).replaceAll('""', '"').match(new RegExp(trace, "gi"));
    const queue = await meet("run1");
    expect((await found())!.length).toBeGreaterThan(15);
    expect(await forget(pool, "reddit_user", name.toUpperCase())).toMatchObject({
      reddit_users: 1,
      reddit_posts: 1,
    });
    expect(await found()).toBeNull();
    await expectExactCounts(queue);

    const later = await meet("run2");
    expect(await found()).toBeNull();
    await expectExactCounts(later);
    const { rows: kept } = await pool.query(
      `select (select array_agg(username order by 1) from reddit_users) as users,
      (select array_agg(reddit_id order by 1) from reddit_posts) as posts,
      (select title from reddit_posts where reddit_id = 'others') as title,
      (select input from runs where id = 'run2-joined') as input,
      (select array_agg(key order by 1) from key_value_records where store = 'run2') as records`,
    );
    expect(kept).toEqual([
      {
        users: ["other"],
        posts: ["others"],
        title: "No!!! 100% * of all names",
        input: { users: ["other"] },
        records: ["INPUT"],
      },
    ]);
  });

  it.each(["old name!", "u/Old Name!", "https://old.reddit.com/user/old%20name%21/comments/?sort=new"])(
    "is taken by b9 db forget, as it is or in an address: %s",
    async (given) => {
      const { pool } = odd;
      await pool.query("insert into reddit_users (username) values ('Old Name!'), ('old')");
      const env = { ...process.env, DATABASE_URL: databaseUrl };
      const { stdout } = await promisify(execFile)(B9, ["db", "forget", "reddit_user", given], { env });
      expect(JSON.parse(stdout)).toMatchObject({ reddit_users: 1 });
      const { rows } = await pool.query("select username from reddit_users");
      expect(rows).toEqual([{ username: "old" }]);
      const list = promisify(execFile)(B9, ["db", "forget", "reddit_user", "/user/old/m/list"], { env });
      await expect(list).rejects.toMatchObject({
        code: 2,
        stderr: expect.stringContaining('"/user/old/m/list"'),
      });
    },
  );

  it("finds an odd name in what is new by its hash alone, and nobody called nearly so", async () => {
    const { pool } = odd;
    await forget(pool, "reddit_user", "old name!");
    const queue = await Queue.open(pool, "later");
    const authors = ["Old Name!", "old name", "old", "name!", "old name!s", "an old name!"];
    await queue.push([
      ...authors.map((author, index) =>
        pushed("reddit_posts", String(index), { reddit_id: String(index), author_username: author }),
      ),
      pushed("reddit_posts", "text", { reddit_id: "text", title: "new\nold name!, and old names" }),
    ]);
    const { rows } = await pool.query(
      "select reddit_id, author_username as by, title from reddit_posts order by 1",
    );
    expect(rows.map(({ by, title }) => by ?? title)).toEqual([
      ...authors.slice(1, -1),
      "an [forgotten]",
      "new\n[forgotten], and old names",
    ]);
  });
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
  for (const name of ["", " ", "..", "a/b", "a?b", "a\nb", "x".repeat(51)])
    await expect(forget(pool, "reddit_user", name)).rejects.toThrow("name: expected a user name, got");
  await expect(forget(pool, "cat", "tom")).rejects.toThrow(
    /kind: expected reddit_user or instagram_creator, got cat/,
  );
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
