import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../shared/db/database.ts";
import { seed } from "../../shared/db/seed.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer } from "./server-test-server.ts";

let cluster: TestCluster;
let database: Database;
let server: TestServer;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase({ maxConnections: 10 });
  await seed(database.pool, "small", () => undefined);
  // Rows without a value, and many with the same.
  await database.pool.query("update reddit_subreddits set subscribers = null where id % 7 = 0");
  await database.pool.query("update reddit_subreddits set subscribers = 50 where id % 5 = 0");
  server = await startTestServer(database);
});
afterAll(async () => {
  await server.close();
  await cluster.stop();
});

interface List {
  items: Record<string, unknown>[];
  next_cursor: string | null;
  total: number;
  total_is_estimate: boolean;
}

async function get<Body = List>(path: string): Promise<Body> {
  const response = await server.request(path);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Body;
}

/** All rows, page after page. */
async function pages(path: string): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page: List = await get(`${path}&cursor=${cursor}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  return items;
}

async function names(sql: string): Promise<unknown[]> {
  const { rows } = await database.pool.query<{ key: unknown }>(sql);
  return rows.map(({ key }) => key);
}

describe("paging", () => {
  it.each([
    ["subscribers", "subscribers"],
    ["subreddit_score", "subreddit_score"],
    ["engagement", "engagement"],
    ["avg_upvotes", "avg_upvotes_per_post"],
    ["growth", "growth_7d"],
    ["last_scraped_at", "last_scraped_at"],
  ])("gives every subreddit once, in the order of %s, those without a value last", async (sort, column) => {
    const items = await pages(`/api/reddit/subreddits?sort=${sort}&limit=37`);
    expect(items.map((item) => item["name"])).toEqual(
      await names(`select name as key from reddit_subreddits order by ${column} desc nulls last, id`),
    );
  });

  it.each(["total_karma", "created_utc", "karma_per_day", "last_scraped_at"])(
    "gives every user once, in the order of %s",
    async (sort) => {
      const items = await pages(`/api/reddit/users?sort=${sort}&limit=1000`);
      expect(items.map((item) => item["username"])).toEqual(
        await names(`select username as key from reddit_users order by ${sort} desc nulls last, id`),
      );
    },
  );

  it.each(["created_utc", "score"])("gives a filter's posts once, in the order of %s", async (sort) => {
    const items = await pages(`/api/reddit/posts?sort=${sort}&limit=100&content_type=text&min_score=1`);
    expect(items.map((item) => item["reddit_id"])).toEqual(
      await names(
        `select reddit_id as key from reddit_posts where content_type = 'text' and score >= 1
        order by ${sort} desc nulls last, reddit_id`,
      ),
    );
  });

  it("refuses a cursor of another order, and one that was made up", async () => {
    const { next_cursor } = await get("/api/reddit/subreddits?sort=subscribers&limit=1");
    const made = Buffer.from(JSON.stringify(["subscribers", "1'; drop table runs", "1"])).toString(
      "base64url",
    );
    for (const [sort, cursor] of [
      ["engagement", next_cursor],
      ["subscribers", made],
      ["subscribers", "nonsense"],
    ]) {
      const response = await server.request(`/api/reddit/subreddits?sort=${sort}&cursor=${cursor}`);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain("cursor: expected next_cursor");
    }
  });
});

describe("filters", () => {
  it.each([
    ["review=Ok", "review = 'Ok'"],
    ["review=none", "review is null"],
    ["review=No%20Seller&over18=true", "review = 'No Seller' and over18"],
    ["tags=theme:amber,style:delta", "tags @> '{theme:amber,style:delta}'"],
    ["min_subscribers=51&max_subscribers=5000", "subscribers between 51 and 5000"],
    ["q=AMBER_", "name ilike '%amber\\_%'"],
    ["category=none-has-this", "false"],
  ])("subreddits by %s, with their number", async (query, where) => {
    const expected = await names(
      `select name as key from reddit_subreddits where ${where} order by subscribers desc nulls last, id`,
    );
    const { items, total, total_is_estimate } = await get(`/api/reddit/subreddits?limit=1000&${query}`);
    expect(items.map((item) => item["name"])).toEqual(expected);
    expect({ total, total_is_estimate }).toEqual({ total: expected.length, total_is_estimate: false });
  });

  it.each([
    ["min_karma=1000", "total_karma >= 1000"],
    ["min_age_days=3000", "created_utc <= now() - interval '3000 days'"],
    ["status=active", "status = 'active'"],
    ["our_creator=1", "our_creator"],
    ["q=amber-3", "username ilike '%amber-3%'"],
  ])("users by %s", async (query, where) => {
    const { items, total } = await get(`/api/reddit/users?limit=1000&${query}`);
    const expected = await names(
      `select username as key from reddit_users where ${where} order by total_karma desc nulls last, id`,
    );
    expect(items.map((item) => item["username"])).toEqual(expected.slice(0, 1000));
    expect(total).toBe(expected.length);
  });

  it("posts by subreddit, author and date", async () => {
    const { rows } = await database.pool.query<{ subreddit_name: string; author_username: string }>(
      "select subreddit_name, author_username from reddit_posts limit 1",
    );
    const { subreddit_name, author_username } = rows[0]!;
    const since = new Date(Date.now() - 90 * 86_400_000).toISOString();
    for (const [query, where] of [
      [`subreddit=${subreddit_name.toUpperCase()}`, `subreddit_name = '${subreddit_name}'`],
      [`author=${author_username}`, `author_username = '${author_username}'`],
      [`since=${since}`, `created_utc >= '${since}'`],
    ]) {
      const { items } = await get(`/api/reddit/posts?limit=1000&${query}`);
      expect(items.map((item) => item["reddit_id"])).toEqual(
        (
          await names(
            `select reddit_id as key from reddit_posts where ${where} order by created_utc desc, reddit_id`,
          )
        ).slice(0, 1000),
      );
    }
  });
});

describe("rows", () => {
  it("leave out long texts and media unless they are asked for", async () => {
    const { items: plain } = await get("/api/reddit/posts?limit=1");
    expect(plain[0]).not.toHaveProperty("selftext");
    const { items: full } = await get("/api/reddit/posts?limit=1&fields=selftext,media,tags");
    expect(full[0]).toMatchObject({ selftext: expect.any(String), media: expect.any(Array) });
  });

  it("of a name have all columns, however it is spelt", async () => {
    const [name] = await names("select name as key from reddit_subreddits limit 1");
    const row = await get<Record<string, unknown>>(`/api/reddit/subreddits/${String(name).toUpperCase()}`);
    expect(row).toMatchObject({ name, rules_data: null });
    const [username] = await names("select username as key from reddit_users limit 1");
    expect(await get(`/api/reddit/users/${username}`)).toMatchObject({
      username,
      account_age_days: expect.any(Number),
    });
    expect((await server.request("/api/reddit/subreddits/no_such_place")).status).toBe(404);
  });

  it("are found by whatever name the site has had, by r/name and by address", async () => {
    const odd = ["reddit.com", "t:1337", "100% mine", "u_old name!"];
    await database.pool.query(
      "insert into reddit_subreddits (name, review) select unnest($1::text[]), 'Banned'",
      [odd],
    );
    await database.pool.query("insert into reddit_users (username) values ('old name!')");
    const paths = [
      ...odd,
      "r/reddit.com",
      "https://old.reddit.com/r/t:1337/top",
      "u/old name!",
      "ｒ／reddit．com",
    ];
    const found: unknown[] = [];
    for (const path of paths)
      found.push((await get<{ name: string }>(`/api/reddit/subreddits/${encodeURIComponent(path)}`)).name);
    expect(found).toEqual([...odd, "reddit.com", "t:1337", "u_old name!", "reddit.com"]);
    for (const path of ["old name!", "@old name!", "https://www.reddit.com/user/old%20name!/"])
      expect(await get(`/api/reddit/users/${encodeURIComponent(path)}`)).toMatchObject({
        username: "old name!",
      });
    const [author] = await names(
      "select author_username as key from reddit_posts where author_username is not null limit 1",
    );
    const { items } = await get(`/api/reddit/posts?author=${encodeURIComponent(`u/${author}`)}`);
    expect(new Set(items.map((item) => item["author_username"]))).toEqual(new Set([author]));
    expect((await server.request("/api/reddit/users/a%2Fb%3Fc")).status).toBe(404);
    await database.pool.query("delete from reddit_subreddits where name = any($1)", [odd]);
  });

  it("of deleted posts are in no list", async () => {
    const { items } = await get("/api/reddit/posts?limit=2");
    await database.pool.query("update reddit_posts set deleted_at = now() where reddit_id = $1", [
      items[0]!["reddit_id"],
    ]);
    const after = await get("/api/reddit/posts?limit=1&min_score=-1");
    expect(after.items[0]!["reddit_id"]).toBe(items[1]!["reddit_id"]);
  });
});

describe("viral posts", () => {
  it("are those of viral_posts(), at most so many a subreddit", async () => {
    const { items } = await get("/api/reddit/posts?sort=viral&hours=200&per_subreddit=1&limit=20");
    expect(items.map((item) => item["reddit_id"])).toEqual(
      await names("select reddit_id as key from viral_posts(200, 1, 20)"),
    );
    expect(new Set(items.map((item) => item["subreddit_name"])).size).toBe(items.length);
  });

  it("take no filter that they would not heed", async () => {
    expect((await server.request("/api/reddit/posts?sort=viral&author=x")).status).toBe(400);
  });
});

describe("review", () => {
  const patch = (path: string, body: unknown, method = "PATCH") =>
    server.request(path, {
      method,
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });

  it("writes the columns of people, which the next list shows", async () => {
    const [name] = await names("select name as key from reddit_subreddits where review is null limit 1");
    await get("/api/reddit/subreddits?review=Banned&limit=1000");
    const response = await patch(`/api/reddit/subreddits/${name}`, { review: "Banned", tags: ["a:b"] });
    expect(await response.json()).toMatchObject({
      review: "Banned",
      tags: ["a:b"],
      tags_updated_by: "API_TOKEN",
    });
    const { items } = await get("/api/reddit/subreddits?review=Banned&limit=1000");
    expect(items.map((item) => item["name"])).toContain(name);
  });

  it("of many says which are missing", async () => {
    const known = await names("select name as key from reddit_subreddits order by id limit 3");
    const response = await patch(
      "/api/reddit/subreddits/bulk-review",
      { names: [...known, "no_such_place"], review: "No Seller", primary_category: "things" },
      "POST",
    );
    expect(await response.json()).toEqual({ updated: 3, missing: ["no_such_place"] });
    const { total } = await get("/api/reddit/subreddits?category=things&review=No%20Seller");
    expect(total).toBe(3);
  });

  it("of many counts those that are no names, or in other forms, among the rest", async () => {
    const [first, second] = await names("select name as key from reddit_subreddits order by id limit 2");
    const wrong = ["a/b", "", "no such name!!", "a\u0000b", "\ud800", "é", "x".repeat(400)];
    const response = await patch(
      "/api/reddit/subreddits/bulk-review",
      { names: [`r/${first}`, ...wrong, `https://www.reddit.com/r/${second}/`], notes: "seen" },
      "POST",
    );
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ updated: 2, missing: wrong });
  });

  it("refuses other columns, and no column at all", async () => {
    for (const body of [{ subscribers: 1 }, {}, { review: "Fine" }, [], "x", { tags: "a" }])
      expect((await patch("/api/reddit/subreddits/x", body)).status).toBe(400);
  });

  it("counts add up to all subreddits", async () => {
    const { items } = await get("/api/reddit/review-counts");
    const sum = items.reduce((total, { count }) => total + Number(count), 0);
    expect([sum]).toEqual(await names("select count(*) as key from reddit_subreddits"));
  });
});

describe("suggestions", () => {
  it("are Ok subreddits of the tags, each with its best posts of seven days", async () => {
    const { items } = await get("/api/reddit/suggestions?tags=theme:amber,theme:basil&sfw=true&limit=5");
    expect(items.map((item) => item["name"])).toEqual(
      await names(
        `select name as key from reddit_subreddits
        where review = 'Ok' and tags && '{theme:amber,theme:basil}' and not over18
        order by subscribers desc nulls last, id limit 5`,
      ),
    );
    for (const item of items) {
      const posts = item["top_posts"] as { reddit_id: string }[];
      expect(posts.map((post) => post.reddit_id)).toEqual(
        await names(
          `select reddit_id as key from reddit_posts where lower(subreddit_name) = lower('${item["name"]}')
          and created_utc > now() - interval '7 days' order by score desc, reddit_id limit 10`,
        ),
      );
    }
  });
});
