import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PushedItem } from "../../shared/crawl/run-storage.ts";
import type { Database } from "../../shared/db/database.ts";
import { withRetry } from "../../shared/db/retry.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { commit, Queue, request } from "./db-queue-calls.ts";

let cluster: TestCluster;
let database: Database;
let queue: Queue;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  database = await cluster.createDatabase();
  queue = await Queue.open(database.pool);
});

const at = "2026-03-01T12:00:00Z";
const post = (id: string, fields = {}): PushedItem => ({
  dataset: "reddit_posts",
  key: id,
  item: {
    reddit_id: id,
    title: `post ${id}`,
    score: 1,
    num_comments: 0,
    observed_at: at,
    source: "/hot",
    ...fields,
  },
});
const subreddit = (name: string, fields = {}): PushedItem => ({
  dataset: "reddit_subreddits",
  key: name.toLowerCase(),
  item: { name, observed_at: at, source: "/about", ...fields },
});
const failure = (id: string, reason: string): PushedItem => ({
  dataset: "failed_requests",
  key: id,
  item: { request_id: id, reason, observed_at: at },
});

async function items(dataset: string): Promise<Record<string, unknown>[]> {
  const { rows } = await database.pool.query(
    "select item from dataset_items i join datasets d on d.id = dataset_id where d.name = $1 order by place",
    [dataset],
  );
  return rows.map(({ item }) => item);
}

async function count(table: string): Promise<number> {
  const { rows } = await database.pool.query(`select count(*) as count from ${table}`);
  return rows[0].count;
}

describe("a commit", () => {
  it("stores mark, items, rows of tables and children together", async () => {
    await queue.add([request("a")]);
    const [a] = await queue.claim(1);
    const effects = {
      items: [post("p1"), subreddit("Node")],
      children: [request("b"), request("a"), request("b")],
    };
    expect(await queue.commit([commit(a!, effects)])).toEqual(["done"]);
    expect(await queue.counts()).toMatchObject({ total: 2, handled: 1, pending: 1 });
    expect(await queue.itemCounts()).toEqual({ reddit_posts: 1, reddit_subreddits: 1 });
    expect(await items("reddit_posts")).toEqual([post("p1").item]);
    const posts = await database.kysely.selectFrom("reddit_posts").select(["title", "last_run_id"]).execute();
    expect(posts).toEqual([{ title: "post p1", last_run_id: "run1" }]);
  });

  it("is done, and changes nothing, when it is repeated", async () => {
    await queue.add([request("a")]);
    const [a] = await queue.claim(1);
    const effects = { items: [post("p1")], children: [request("b")] };
    const first = await queue.commit([commit(a!, effects), commit(a!, effects)]);
    const again = await queue.commit([commit(a!, { ...effects, items: [post("p2")] })]);
    expect([...first, ...again]).toEqual(["done", "done", "done"]);
    expect(await queue.itemCounts()).toEqual({ reddit_posts: 1 });
    expect(await queue.counts()).toMatchObject({ total: 2, handled: 1 });
  });

  it("is lost, with all its effects, when another attempt or owner has the request", async () => {
    await queue.add([request("a"), request("b"), request("c")]);
    const [a, b, c] = await queue.claim(3);
    await queue.reclaim([b!]);
    const effects = { items: [post("p1")], children: [request("d")] };
    expect(await queue.as("other").commit([commit(a!, effects)])).toEqual(["lost"]);
    const results = await queue.commit([
      commit({ ...a!, attempt: 2 }, effects),
      commit(b!, effects),
      commit({ id: "unknown", attempt: 1 }, effects),
      commit(c!),
    ]);
    expect(results).toEqual(["lost", "lost", "lost", "done"]);
    expect(await queue.itemCounts()).toEqual({});
    expect(await queue.counts()).toMatchObject({ total: 3, handled: 1 });
  });

  it("counts each key of a dataset once, whatever comes twice", async () => {
    await queue.push([post("p1"), post("p2"), post("p1", { title: "later" })]);
    await queue.push([post("p2"), post("p3")]);
    expect(await queue.itemCounts()).toEqual({ reddit_posts: 3 });
    expect((await items("reddit_posts")).map((item) => item["title"])).toEqual([
      "post p1",
      "post p2",
      "post p3",
    ]);
  });

  it("merges by the dataset's rule: first stays, merge lays over, newest replaces", async () => {
    await queue.push([
      post("p", { score: 1 }),
      subreddit("Node", { title: "T", lang: "en" }),
      failure("r", "one"),
    ]);
    await queue.push([
      post("p", { score: 9 }),
      subreddit("node", { title: null, subscribers: 5 }),
      subreddit("node", { subscribers: 7 }),
      failure("r", "two"),
      failure("r", "three"),
    ]);
    expect(await items("reddit_posts")).toMatchObject([{ score: 1 }]);
    expect(await items("reddit_subreddits")).toMatchObject([
      { name: "node", title: null, subscribers: 7, lang: "en" },
    ]);
    expect(await items("failed_requests")).toEqual([failure("r", "three").item]);
    expect(await queue.itemCounts()).toEqual({ reddit_posts: 1, reddit_subreddits: 1, failed_requests: 1 });
  });

  it("keeps datasets of two runs apart", async () => {
    await queue.push([post("p1")]);
    const other = await Queue.open(database.pool, "run2");
    await other.push([post("p1"), post("p2")]);
    expect(await queue.itemCounts()).toEqual({ reddit_posts: 1 });
    expect(await other.itemCounts()).toEqual({ reddit_posts: 2 });
    expect(await count("reddit_posts")).toBe(2);
  });

  it("names a dataset that nobody knows", async () => {
    await expect(queue.push([{ dataset: "nonsense", key: "k", item: {} }])).rejects.toThrow(
      /dataset nonsense: expected one of failed_requests, .*reddit_posts, /,
    );
  });

  it("bears keys of any length", async () => {
    await queue.push([post("p1"), { ...failure("r", "x"), key: "k".repeat(100_000) }]);
    expect(await queue.itemCounts()).toEqual({ reddit_posts: 1, failed_requests: 1 });
  });
});

describe("a bad row", () => {
  it("lands in failed_items with its reason, and its neighbours are stored", async () => {
    const bad = [5, 77, 78, 499];
    const pushed = Array.from({ length: 500 }, (_, index) =>
      post(`p${index}`, bad.includes(index) ? { score: index === 5 ? "many" : 3e12 } : {}),
    );
    await queue.push(pushed);
    expect(await count("reddit_posts")).toBe(496);
    const failed = await database.kysely.selectFrom("failed_items").selectAll().orderBy("id").execute();
    expect(failed.map(({ key, run_id, dataset }) => ({ key, run_id, dataset }))).toEqual(
      ["p499", "p5", "p77", "p78"].map((key) => ({ key, run_id: "run1", dataset: "reddit_posts" })),
    );
    expect(failed[0]).toMatchObject({
      reason: expect.stringMatching(/out of range/),
      item: pushed[499]!.item,
    });
    expect(failed[1]!.reason).toMatch(/invalid input syntax for type integer: "many"/);
  });

  it("of a value that a column refuses lands there too", async () => {
    await queue.push([subreddit("a", { availability: "sleeping" }), subreddit("b", { availability: "ok" })]);
    expect(await database.kysely.selectFrom("reddit_subreddits").select("name").execute()).toEqual([
      { name: "b" },
    ]);
    expect(await count("failed_items")).toBe(1);
  });
});

describe("commits of several processes", () => {
  it("never wait for each other in a circle, and store everything once", async () => {
    const workers = 5;
    const keys = Array.from({ length: 60 }, (_, index) => index);
    await queue.add(Array.from({ length: 200 }, (_, index) => request(`r${index}`)));
    const shuffled = () => keys.toSorted(() => Math.random() - 0.5);
    const work = async (owner: Queue) => {
      for (let claimed = await owner.claim(5); claimed.length > 0; claimed = await owner.claim(5)) {
        const effects = () => ({
          items: [
            ...shuffled()
              .slice(0, 30)
              .map((n) => post(`p${n}`, { score: Math.floor(Math.random() * 100) })),
            ...shuffled()
              .slice(0, 30)
              .map((n) => subreddit(`S${n}`, { subscribers: n })),
          ],
          // Requests of which others are committing or adding just now.
          children: shuffled().map((n) => request(`r${n * 5}`)),
        });
        expect(new Set(await owner.commit(claimed.map((one) => commit(one, effects()))))).toEqual(
          new Set(["done"]),
        );
      }
    };
    await Promise.all(Array.from({ length: workers }, (_, index) => work(queue.as(`w${index}`))));
    expect(await queue.counts()).toMatchObject({ total: 220, handled: 220 });
    expect(await queue.itemCounts()).toEqual({ reddit_posts: 60, reddit_subreddits: 60 });
    expect(await count("reddit_posts")).toBe(60);
    expect(await count("reddit_subreddits")).toBe(60);
    const { rows } = await database.pool.query(
      "select deadlocks from pg_stat_database where datname = current_database()",
    );
    expect(rows).toEqual([{ deadlocks: 0 }]);
  });

  it("lose and double nothing when connections are cut in the middle", async () => {
    await queue.add(Array.from({ length: 100 }, (_, index) => request(`r${index}`)));
    const over = new AbortController();
    const { pool: other } = await cluster.createDatabase();
    const cutting = (async () => {
      let cuts = 0;
      while (!over.signal.aborted) {
        await sleep(50 + Math.random() * 200);
        const { rowCount } = await other.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where query like '%commit_requests%' and state = 'active' and pid <> pg_backend_pid()",
        );
        cuts += rowCount ?? 0;
      }
      return cuts;
    })();
    try {
      for (;;) {
        const claimed = await withRetry(() => queue.claim(3));
        if (claimed.length === 0) break;
        const commits = claimed.map((one) =>
          commit(one, { items: Array.from({ length: 50 }, (_, n) => post(`${one.uniqueKey}-${n}`)) }),
        );
        const results = await withRetry(() => queue.commit(commits));
        expect(new Set(results)).toEqual(new Set(["done"]));
      }
    } finally {
      over.abort();
    }
    expect(await cutting).toBeGreaterThan(0);
    // What a claim handed out whose answer was cut off comes back when its lease is over.
    const { claimed, handled, total } = await queue.counts();
    expect(handled + claimed).toBe(total);
    expect(await queue.itemCounts()).toEqual({ reddit_posts: handled * 50 });
  });
});

describe("what is kept for a while", () => {
  it("is dropped with its day, and nothing else", async () => {
    await queue.push([post("p1")]);
    const old = await Queue.open(database.pool, "old");
    await database.pool.query(
      "insert into datasets (run_number, name, day) values ($1, 'reddit_posts', current_date - 9); ".replace(
        "$1",
        String(old.run),
      ),
    );
    await database.pool.query("select ensure_partition('dataset_items', current_date - 9)");
    await old.push([post("p2"), post("p3")]);
    const drop = () => database.pool.query("select drop_expired(7)");
    await drop();
    expect(await old.itemCounts()).toEqual({ reddit_posts: 2 });

    await database.pool.query("update runs set status = 'SUCCEEDED' where id = 'old'");
    await drop();
    expect(await old.itemCounts()).toEqual({});
    expect(await queue.itemCounts()).toEqual({ reddit_posts: 1 });
    expect(await count("reddit_posts")).toBe(3);
    expect(await old.counts()).toMatchObject({ total: 1 });

    await database.pool.query("update runs set finished_at = now() - interval '8 days' where id = 'old'");
    await drop();
    expect(await old.counts()).toMatchObject({ total: 0 });
    expect(await queue.counts()).toMatchObject({ total: 1 });
  });

  it("holds logs by day, with contexts of up to 8 KB", async () => {
    const log = (writtenAt: string, context: object) => ({
      at: writtenAt,
      source: "reddit",
      level: "info",
      message: "m",
      context,
    });
    const logs = [
      log("2026-01-02T23:59:59Z", { a: "x".repeat(8000) }),
      log("2026-01-03T00:00:00Z", { a: "x".repeat(9000) }),
    ];
    await database.pool.query("select write_logs($1)", [JSON.stringify(logs)]);
    const stored = await database.kysely
      .selectFrom("system_logs")
      .select(["day", "context"])
      .orderBy("at")
      .execute();
    expect(stored).toEqual([
      { day: "2026-01-02", context: logs[0]!.context },
      { day: "2026-01-03", context: { omitted_bytes: 9009 } },
    ]);
    await database.pool.query("select drop_old_logs(30)");
    expect(await count("system_logs")).toBe(0);
  });

  it("is a ledger of calls with what they cost", async () => {
    const usage = [
      { provider: "reddit", endpoint: "/api/info", status: 200 },
      { provider: "looter2", endpoint: "/profile", status: 200, units: 3, cost_usd: 0.0015, run_id: "run1" },
    ];
    await database.pool.query("select record_usage($1)", [JSON.stringify(usage)]);
    const { rows } = await database.pool.query(
      "select provider, sum(units) as units, sum(cost_usd) as cost from api_usage group by 1 order by 1",
    );
    expect(rows).toEqual([
      { provider: "looter2", units: 3, cost: 0.0015 },
      { provider: "reddit", units: 1, cost: 0 },
    ]);
  });
});
