import { afterAll, beforeAll, expect, it } from "vitest";
import type { Database } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer } from "./server-test-server.ts";

const CREATORS = 5_000;

let cluster: TestCluster;
let database: Database;
let server: TestServer;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
  // Many with the same rate, some without one; ids beyond 2^53.
  await database.pool.query(
    `insert into instagram_creators (ig_user_id, username, full_name, followers_count, engagement_rate, is_verified,
      review_status, niche, body_tags, last_scraped_at)
    select (17841400000000000 + n)::text, 'creator.' || n, 'Ann ' || n, n * 1000, nullif(n % 50, 0)::float / 10, n % 2 = 0,
      case n % 3 when 0 then 'ok' when 1 then 'non_related' end, 'niche' || n % 7, array['hair:' || n % 4], now()
    from generate_series(1, $1::integer) n`,
    [CREATORS],
  );
  await database.pool.query(
    `insert into instagram_reels (media_id, ig_user_id, taken_at, play_count, like_count, caption_text, last_scraped_at)
    select (9007199254740993 + n)::text, (17841400000000000 + n % 20 + 1)::text, now() - n * interval '1 hour', n * 100, n,
      'caption', now()
    from generate_series(1, 200) n`,
  );
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
}

async function get<Answer = List>(path: string): Promise<Answer> {
  const response = await server.request(path);
  expect(response.status, await response.clone().text()).toBe(200);
  return (await response.json()) as Answer;
}

async function send(method: string, path: string, body: unknown): Promise<Response> {
  return server.request(path, {
    method,
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });
}

it("pages through 5,000 creators by engagement without a repeat or a gap", async () => {
  const seen: string[] = [];
  const rates: number[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const list: List = await get(
      `/api/instagram/creators?sort=engagement_rate&limit=333${cursor && `&cursor=${cursor}`}`,
    );
    expect(list.total).toBe(CREATORS);
    seen.push(...list.items.map((item) => String(item["ig_user_id"])));
    rates.push(...list.items.map((item) => Number(item["engagement_rate"] ?? -1)));
    cursor = list.next_cursor;
  }
  expect(seen).toHaveLength(CREATORS);
  expect(new Set(seen).size).toBe(CREATORS);
  expect(rates).toEqual(rates.toSorted((a, b) => b - a));
});

it.each([
  ["review_status=ok", 1666],
  ["review_status=none", 1667],
  ["niche=niche3", 714],
  ["min_followers=4999000", 2],
  ["max_followers=3000", 3],
  ["min_engagement=4.9", 100],
  ["verified=true", 2500],
  ["tags=hair:1", 1250],
  ["q=REATOR.4999", 1],
  ["q=ann 4999", 1],
])("finds creators by %s", async (filter, total) => {
  expect((await get(`/api/instagram/creators?limit=1&${filter}`)).total).toBe(total);
});

it("shows a creator by name, of those who had it the one seen last, or by id", async () => {
  const id = "17841400000000007";
  expect(await get<object>("/api/instagram/creators/Creator.7")).toMatchObject({ ig_user_id: id });
  expect(await get<object>(`/api/instagram/creators/${id}`)).toMatchObject({ username: "creator.7" });
  await database.pool.query(
    `insert into instagram_creators (ig_user_id, username, last_scraped_at)
    values ('1', 'creator.7', now() - interval '1 day')`,
  );
  expect(await get<object>("/api/instagram/creators/creator.7")).toMatchObject({ ig_user_id: id });
  await database.pool.query("delete from instagram_creators where ig_user_id = '1'");
  for (const form of ["@Creator.7", "https://www.instagram.com/creator.7/reels/?hl=en", "＠creator．7"])
    expect(await get<object>(`/api/instagram/creators/${encodeURIComponent(form)}`)).toMatchObject({
      ig_user_id: id,
    });
  for (const path of ["nobody", "no.body.", encodeURIComponent("https://www.instagram.com/p/abc/")])
    expect((await server.request(`/api/instagram/creators/${path}`)).status).toBe(404);
});

it("lets people review a creator, and says what is wrong with a review", async () => {
  const path = "/api/instagram/creators/creator.8";
  const review = { review_status: "ok", niche: "yoga", categories: ["a"], notes: "n" };
  expect(await (await send("PATCH", path, review)).json()).toMatchObject({
    ...review,
    reviewed_by: "API_TOKEN",
  });
  expect(await (await send("PATCH", path, { niche: null })).json()).toMatchObject({
    ...review,
    niche: null,
  });
  for (const wrong of [{}, { review_status: "maybe" }, { followers_count: 1 }, { niche: "a\0b" }])
    expect((await send("PATCH", path, wrong)).status).toBe(400);
  expect((await send("PATCH", "/api/instagram/creators/nobody", review)).status).toBe(404);
});

it("lists reels by plays with exact ids, of a creator by name or id, since a time, captions on demand", async () => {
  const { items, total } = await get("/api/instagram/reels?sort=play_count&limit=2");
  expect(total).toBe(200);
  expect(items[0]).toMatchObject({ media_id: "9007199254741193", play_count: 20_000, username: "creator.1" });
  expect(items[0]).not.toHaveProperty("caption_text");
  expect((await get("/api/instagram/reels?fields=caption_text&limit=1")).items[0]).toHaveProperty(
    "caption_text",
  );
  expect((await get("/api/instagram/reels?creator=creator.2")).total).toBe(10);
  expect((await get("/api/instagram/reels?creator=17841400000000002")).total).toBe(10);
  const since = new Date(Date.now() - 5.5 * 3_600_000).toISOString();
  expect((await get(`/api/instagram/reels?since=${since}`)).total).toBe(5);
  expect((await get("/api/instagram/reels?min_plays=19900")).total).toBe(2);
  expect((await get("/api/instagram/reels?niche=niche2")).total).toBe(30);
  expect((await get("/api/instagram/posts?sort=play_count")).items).toEqual([]);
});

it("launches a run for creators, and refuses what the actor does not take, by field", async () => {
  const launched = await send("POST", "/api/instagram/scrape", { usernames: ["@ann"], posts: 12 });
  expect(launched.status).toBe(202);
  const { run } = (await launched.json()) as { run: { id: string } };
  expect(run).toMatchObject({ status: "READY" });
  expect(await server.runs.input(run.id)).toEqual({ usernames: ["@ann"], posts: 12 });

  const refused = await send("POST", "/api/instagram/scrape", { usernames: ["no name!"], posts: -1 });
  expect(refused.status).toBe(422);
  const { error } = (await refused.json()) as { error: { details: string[] } };
  expect(error.details.join("\n")).toMatch(/usernames\.?\[?0.*[\s\S]*posts/);

  expect(
    (await send("POST", "/api/instagram/creators", { username: "https://www.instagram.com/ann/" })).status,
  ).toBe(202);
  expect((await send("POST", "/api/instagram/creators", { name: "ann" })).status).toBe(400);
});
