import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../shared/db/database.ts";
import { readTableTotals } from "../../shared/db/queries/totals.ts";
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
  server = await startTestServer(database);
});
afterAll(async () => {
  await server.close();
  await cluster.stop();
});

async function get<Body>(path: string): Promise<Body> {
  const response = await server.request(path, { headers: { "cache-control": "no-cache" } });
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Body;
}

async function one<Row>(sql: string, values: unknown[] = []): Promise<Row> {
  const { rows } = await database.pool.query(sql, values);
  return rows[0] as Row;
}

describe("rows of a table", () => {
  const totalOf = async (table: string) => {
    const totals = await readTableTotals(database.pool);
    return totals.find(({ name }) => name === table)!;
  };
  const count = async (table: string) => (await one<{ n: number }>(`select count(*) as n from ${table}`)).n;

  it.each(["reddit_subreddits", "reddit_users", "reddit_posts"])(
    "of %s are counted exactly",
    async (table) => {
      expect(await totalOf(table)).toMatchObject({ rows: await count(table), is_estimate: false });
    },
  );

  it("are counted as they come and go, by upserts and by whoever else writes, at once", async () => {
    const before = await count("reddit_posts");
    const post = (id: number) => ({
      reddit_id: `n${id}`,
      subreddit_name: "x",
      created_utc: new Date().toISOString(),
      observed_at: new Date().toISOString(),
      score: 1,
    });
    await Promise.all(
      Array.from({ length: 8 }, (_, worker) =>
        // Half of them are the neighbour's as well.
        database.pool.query("select upsert_reddit_posts(array(select jsonb_array_elements($1)), 'r')", [
          JSON.stringify(Array.from({ length: 50 }).map((__, n) => post(worker * 25 + n))),
        ]),
      ),
    );
    await database.pool.query("delete from reddit_posts where reddit_id in ('n1', 'n2', 'n3')");
    const after = await count("reddit_posts");
    expect(after).toBe(before + 8 * 25 + 25 - 3);
    expect(await totalOf("reddit_posts")).toMatchObject({ rows: after });
    expect(await totalOf("reddit_posts")).toMatchObject({ rows: after, growth_24h: after, growth_7d: after });
  });

  it("that were undone do not count, and a table that was emptied has none", async () => {
    const client = await database.pool.connect();
    await client.query("begin; insert into reddit_users (username) values ('undone'); rollback");
    client.release();
    expect((await totalOf("reddit_users")).rows).toBe(await count("reddit_users"));
    const other = await cluster.createDatabase();
    await other.pool.query(
      "insert into reddit_users (username) values ('a'), ('b'); truncate reddit_users cascade; insert into reddit_users (username) values ('c')",
    );
    const totals = await readTableTotals(other.pool);
    expect(totals.find(({ name }) => name === "reddit_users")).toMatchObject({ rows: 1 });
  });

  it("that came long ago are no growth, and are told the same before and after they are summed up", async () => {
    const other = await cluster.createDatabase();
    await other.pool.query(
      `insert into row_count_changes values ('reddit_users', now() - interval '30 days', 10),
        ('reddit_users', now() - interval '3 days', 5), ('reddit_users', now() - interval '2 hours', 2)`,
    );
    const expected = { table_name: "reddit_users", rows: 17, growth_24h: 2, growth_7d: 7 };
    const read = async () => {
      const { rows } = await other.pool.query(
        "select * from row_count_totals where table_name = 'reddit_users'",
      );
      return rows[0];
    };
    expect(await read()).toEqual(expected);
    await Promise.all([1, 2, 3].map(() => other.pool.query("select fold_row_counts()")));
    expect(await read()).toEqual(expected);
    const { rows } = await other.pool.query("select count(*) as n from row_count_changes");
    expect(rows).toEqual([{ n: 0 }]);
  });
});

describe("rows of a table that is not counted", () => {
  const totalOf = async ({ pool }: Database, table: string) =>
    (await readTableTotals(pool)).find(({ name }) => name === table);

  it("are not known until it is analysed, none or many, partitions or none", async () => {
    const other = await cluster.createDatabase();
    await other.pool.query(
      `alter table failed_items set (autovacuum_enabled = off);
      insert into failed_items (dataset, key, item, reason) select 'd', n::text, '{}', 'x' from generate_series(1, 9) n`,
    );
    for (const table of ["failed_items", "alerts", "dataset_items"])
      expect(await totalOf(other, table)).toMatchObject({ rows: null, is_estimate: true });
    await other.pool.query("analyze");
    expect(await totalOf(other, "failed_items")).toMatchObject({ rows: 9, is_estimate: true });
    expect(await totalOf(other, "alerts")).toMatchObject({ rows: 0, is_estimate: true });
  });
});

describe("GET /api/stats/dashboard", () => {
  it("is at most 10 seconds old, however long other statistics are kept", async () => {
    interface Cached {
      get: { responses: { 200: { headers: { Age: { schema: { maximum: number } } } } } };
    }
    const { paths } = await get<{ paths: Record<string, Cached> }>("/openapi.json");
    const maxAge = (path: string) => paths[path]!.get.responses[200].headers.Age.schema.maximum;
    expect([maxAge("/api/stats/dashboard"), maxAge("/api/stats")]).toEqual([10, 300]);
  });
});

describe("GET /api/stats", () => {
  it("has every table, and the share that was refreshed in a day", async () => {
    const { tables, freshness } = await get<{
      tables: { name: string }[];
      freshness: { table: string; refreshed_24h: number }[];
    }>("/api/stats");
    const names = tables.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["reddit_posts", "system_logs", "dataset_items", "runs"]));
    expect(names.some((name) => /_\d{8}$/.test(name))).toBe(false);
    const { share } = await one<{ share: number }>(
      `select avg((last_scraped_at > now() - interval '1 day')::integer)::double precision as share
      from reddit_subreddits`,
    );
    const subreddits = freshness.find(({ table }) => table === "reddit_subreddits")!;
    expect(subreddits.refreshed_24h).toBeCloseTo(share, 2);
  });
});

describe("the ledger", () => {
  beforeAll(async () => {
    await database.pool.query("select open_run('usage-run', 'reddit', '{}')");
    const calls = [
      { provider: "reddit", endpoint: "/about", status: 200, run_id: "usage-run" },
      { provider: "reddit", endpoint: "/about", status: 429, run_id: "usage-run" },
      { provider: "reddit", endpoint: "/about", status: null, run_id: "usage-run" },
      { provider: "looter", endpoint: "/profile", status: 200, cost_usd: 0.25 },
      { provider: "looter", endpoint: "/profile", status: 200, cost_usd: 0.5, at: daysAgo(2) },
    ];
    await Promise.all(
      calls.map((call) => database.pool.query("select record_usage($1)", [JSON.stringify([call])])),
    );
  });

  function daysAgo(days: number): string {
    return new Date(Date.now() - days * 86_400_000).toISOString();
  }

  it("is told by provider, actor, run and day", async () => {
    const usage = (query: string) =>
      get<{ items: Record<string, unknown>[]; total_cost_usd: number }>(`/api/usage?${query}`);
    expect(await usage("group_by=provider")).toEqual({
      items: [
        { key: "looter", calls: 2, failed: 0, units: 2, cost_usd: 0.75 },
        { key: "reddit", calls: 3, failed: 2, units: 3, cost_usd: 0 },
      ],
      total_cost_usd: 0.75,
    });
    expect((await usage("group_by=actor")).items).toContainEqual(
      expect.objectContaining({ key: "reddit", calls: 3 }),
    );
    expect((await usage("group_by=run&run=usage-run")).items).toEqual([
      { key: "usage-run", calls: 3, failed: 2, units: 3, cost_usd: 0 },
    ]);
    const { items } = await usage("group_by=day&provider=looter");
    expect(items.map(({ key, calls }) => [key, calls])).toEqual([
      [new Date().toISOString().slice(0, 10), 1],
      [daysAgo(2).slice(0, 10), 1],
    ]);
  });

  it("makes the cost of the dashboard, and of the metrics", async () => {
    const { cost } = await get<{ cost: Record<string, number> }>("/api/stats/dashboard");
    expect(cost["today_usd"]).toBeCloseTo(0.25);
    expect(cost["projected_month_usd"]).toBeGreaterThanOrEqual(cost["month_usd"]!);
    const metrics = await (await server.request("/metrics")).text();
    expect(metrics).toContain('b9_cost_usd_total{provider="looter"} 0.75');
    expect(metrics).toContain('b9_site_requests_total{actor="reddit",site="reddit",status="429"} 1');
  });
});

describe("GET /api/stats/dashboard", () => {
  it("shows what runs are doing", async () => {
    const run = await server.runs.launch({ actor: "reddit", input: { subreddits: ["node"] }, origin: "API" });
    await database.pool.query("update runs set status = 'SUCCEEDED' where id = 'usage-run'");
    await database.pool.query(
      "insert into runs (id, actor, status, finished_at) values ('bad', 'reddit', 'FAILED', now())",
    );
    const board = await get<Record<string, unknown>>("/api/stats/dashboard");
    expect(board).toMatchObject({
      runs: { READY: 1 },
      queue: { ready_runs: 1 },
      success_24h: { finished: 2, succeeded: 1, rate: 0.5 },
      open_alerts: 0,
    });
    await server.runs.abort(run.id, { gracefully: false });
  });
});

const METRIC_LINE =
  /^(?:|# (?:HELP|TYPE) [a-z_][\w:]* .+|[a-z_][\w:]*(?:\{[^{}]*\})? (?:[-+\d.e]+|NaN|[+-]Inf))$/i;

describe("GET /metrics", () => {
  it("has answers by actor and outcome, of runs of the last day", async () => {
    await database.pool.query(
      `insert into runs (id, actor, status, finished_at, progress) values
        ('o1', 'reddit', 'FAILED', now(), '{"outcomes": {"ok": 5, "rateLimited": 1}}'),
        ('o2', 'reddit', 'FAILED', now(), '{"outcomes": {"ok": 2}}'),
        ('o3', 'reddit', 'FAILED', now(), '{"outcomes": null}')`,
    );
    await database.pool.query("update runs set finished_at = now() - interval '2 days' where id = 'o2'");
    const metrics = await (await server.request("/metrics")).text();
    expect(metrics).toContain('b9_answers_24h{actor="reddit",outcome="ok"} 5');
    expect(metrics).toContain('b9_answers_24h{actor="reddit",outcome="rateLimited"} 1');
  });

  it("parses by Prometheus' rules, and says the same as JSON", async () => {
    await server.request("/api/nothing");
    const response = await server.request("/metrics");
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = (await response.text()).trimEnd().split("\n");
    expect(lines.filter((line) => !METRIC_LINE.test(line))).toEqual([]);
    const types = lines.flatMap((line) => {
      const [, name, type] = /^# TYPE (\S+) (\S+)/.exec(line) ?? [];
      return name === undefined ? [] : [{ name, type }];
    });
    const names = new Set(types.map(({ name }) => name));
    expect(names.size).toBe(types.length);
    // What promtool demands of names.
    expect(types.filter(({ name, type }) => (type === "counter") !== name.endsWith("_total"))).toEqual([]);
    for (const name of ["b9_http_requests_total", "b9_runs", "b9_queue_runs", "nodejs_eventloop_lag_seconds"])
      expect(names).toContain(name);
    const json = await server.request("/metrics", { headers: { accept: "application/json" } });
    const metrics = (await json.json()) as { name: string }[];
    expect(new Set(metrics.map(({ name }) => name))).toEqual(names);
  });
});

describe("GET /api/stats/performance", () => {
  it("has latencies by route, and what the process uses", async () => {
    await server.request("/health");
    const answer = await get<{ routes: { route: string }[] }>("/api/stats/performance");
    expect(answer.routes.map(({ route }) => route)).toContain("GET /health");
    expect(answer).toMatchObject({
      process: { rss_bytes: expect.any(Number) },
      event_loop_lag: { p99_ms: expect.any(Number) },
    });
  });
});

describe("GET /api/logs", () => {
  it("filters and pages, the newest first", async () => {
    const at = (n: number) => new Date(Date.now() - n * 1000).toISOString();
    const lines = Array.from({ length: 30 }, (_, n) => ({
      // Three of one time.
      at: at(Math.floor(n / 3)),
      source: n % 2 ? "worker" : "server",
      level: n % 5 ? "warn" : "error",
      message: `Line ${n} of it`,
    }));
    await database.pool.query("select write_logs($1)", [JSON.stringify(lines)]);
    const list = async (query: string) => {
      const messages: string[] = [];
      for (let cursor: string | null = ""; cursor !== null;) {
        const page: { items: { message: string }[]; next_cursor: string | null } = await get(
          `/api/logs?limit=4&cursor=${cursor}&${query}`,
        );
        messages.push(...page.items.map(({ message }) => message));
        cursor = page.next_cursor;
      }
      return messages;
    };
    const all = await list("");
    expect(all).toHaveLength(30);
    expect(new Set(all).size).toBe(30);
    expect(all.slice(0, 3)).toEqual(["Line 2 of it", "Line 1 of it", "Line 0 of it"]);
    expect(await list("source=worker")).toHaveLength(15);
    expect(await list("level=error")).toHaveLength(6);
    expect(await list("q=LINE 7 ")).toEqual(["Line 7 of it"]);
  });
});
