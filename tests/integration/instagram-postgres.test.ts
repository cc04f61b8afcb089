import { spawn } from "node:child_process";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { actor } from "../../actors/instagram/main.ts";
import { readRunItems } from "../../shared/crawl/postgres/read-run-items.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import type { Item } from "../../shared/crawl/run-storage.ts";
import { compareInstagram } from "../../shared/cli/compare-instagram.ts";
import type { ReadItems } from "../../shared/cli/compare-truth.ts";
import { type DatasetName, itemKey } from "../../shared/datasets.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startWorld, type World } from "./instagram-world.ts";
import { testConfig } from "./test-site.ts";

const log = pino({ level: "silent" });
let cluster: TestCluster;
let databaseUrl: string;
let database: Database;
beforeAll(async () => {
  cluster = await startCluster();
  const config = await cluster.createMigratedConfig();
  databaseUrl = config.databaseUrl!;
  database = await openDatabase(config, { applicationName: "tests" });
});
afterAll(async () => {
  await database.close();
  await cluster.stop();
});

/** Fields of items that are about the run, not about what the table keeps. */
const NO_COLUMNS = {
  instagram_creators: ["source", "observed_at", "api_calls", "api_cost_usd"],
  instagram_posts: ["observed_at"],
  instagram_reels: ["observed_at"],
  instagram_related: [
    "observed_at",
    // Columns of the target's own row.
    "target_full_name",
    "target_is_private",
    "target_is_verified",
    "target_profile_pic_url",
  ],
} as const;

/** Where the rows of a table do not have what the items of the only run have, by field. */
async function fieldsAmiss(table: keyof typeof NO_COLUMNS, found: readonly Item[]): Promise<string[]> {
  const { rows } = await database.pool.query<{ row: Item }>(`select to_jsonb(t) as row from ${table} t`);
  const byKey = new Map(rows.map(({ row }) => [itemKey(table, row), row]));
  const own: readonly string[] = NO_COLUMNS[table];
  const amiss = found.flatMap((item) => {
    const row = byKey.get(itemKey(table, item)) ?? {};
    return Object.keys(item).filter(
      (field) =>
        !own.includes(field) &&
        (!(field in row) || !isDeepStrictEqual(comparable(row[field]), comparable(item[field]))),
    );
  });
  expect(found.length).toBeGreaterThan(10);
  return [...new Set(amiss)];
}

/** Moments in one notation. */
function comparable(value: unknown): unknown {
  return typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)$/.test(value)
    ? Date.parse(value)
    : value;
}

it("finds on the database what a perfect crawl finds, and has every call as a row of api_usage", async () => {
  const world = await startWorld({ instagram: { creators: 20 } });
  const input = { ids: world.ids, related: true };
  const config = await testConfig({ ...world.env, DATABASE_URL: databaseUrl });
  const { exitCode, summary } = await runActor(actor, { config, log, input, database: {} });
  expect([exitCode, summary?.status]).toEqual([0, "SUCCEEDED"]);
  const runId = summary!.runId!;
  const read: ReadItems = (dataset) => readRunItems(database.pool, runId, dataset as DatasetName);
  const wanted = { creators: world.ids, posts: 24, reels: 36, related: true };
  const comparisons = await compareInstagram(world.url, read, wanted);
  expect(comparisons.flatMap(({ differences }) => differences)).toEqual([]);
  for (const dataset of Object.keys(NO_COLUMNS) as (keyof typeof NO_COLUMNS)[])
    expect(await fieldsAmiss(dataset, await Array.fromAsync(read(dataset)))).toEqual([]);
  const calls = await world.calls("/looter2");
  const { rows } = await database.pool.query(
    `select endpoint, count(*)::int as calls, sum(units)::int as units, sum(cost_usd)::float8 as cost
    from api_usage where run_id = $1 and provider = 'rapidapi' group by endpoint order by endpoint`,
    [runId],
  );
  const byEndpoint = Map.groupBy(calls, ({ endpoint }) => endpoint);
  expect(rows.map(({ endpoint, calls: count, units }) => [endpoint, count, units])).toEqual(
    [...byEndpoint].map(([endpoint, group]) => [endpoint, group.length, group.length]).sort(),
  );
  const cost = rows.reduce((sum, row) => sum + row.cost, 0);
  expect(cost).toBeCloseTo(
    calls.reduce((sum, { price_usd }) => sum + price_usd, 0),
    6,
  );
});

/** Two runs at once, each in a process of its own, that share a key. */
async function crawlTwice(world: World, env: Record<string, string>): Promise<unknown[]> {
  const half = world.ids.length / 2;
  const own = await cluster.createMigratedConfig();
  return Promise.all(
    [world.ids.slice(0, half), world.ids.slice(half)].map((ids) => {
      const input = JSON.stringify({ ids, posts: 12, reels: 12 });
      const child = spawn(path.resolve("b9"), ["crawl", "instagram", "--db", "--input", input], {
        env: {
          PATH: process.env["PATH"]!,
          ...world.env,
          LOG_LEVEL: "error",
          DATABASE_URL: own.databaseUrl!,
          ...env,
        },
        stdio: ["ignore", "ignore", "inherit"],
      });
      return new Promise((resolve) => child.once("exit", resolve));
    }),
  );
}

it("keeps to the key's calls a second over all processes", async () => {
  const world = await startWorld({ instagram: { creators: 20, apiPlan: { perSecond: 10 } } });
  expect(await crawlTwice(world, { INSTAGRAM_API_REQUESTS_PER_SEC: "10" })).toEqual([0, 0]);
  const calls = await world.calls("/looter2");
  expect(calls.filter(({ status }) => status === 429)).toEqual([]);
  const bySecond = [...Map.groupBy(calls, ({ at }) => Math.floor(at / 1000)).values()].map(
    ({ length }) => length,
  );
  expect(Math.max(...bySecond)).toBeLessThanOrEqual(10);
});

it("learns an hour's allowance from the gateway for all processes", async () => {
  // The gateway shows the hour only when it has less left than the second.
  const world = await startWorld({ instagram: { creators: 20, apiPlan: { perSecond: 10, perHour: 30 } } });
  const env = {
    MAX_STALL_SECS: "2",
    INSTAGRAM_API_REQUESTS_PER_SEC: "10",
    INSTAGRAM_API_REQUESTS_PER_HOUR: "1000",
  };
  // There are not enough for both.
  expect(await crawlTwice(world, env)).toContain(1);
  const calls = await world.calls("/looter2");
  expect(calls.filter(({ status }) => status === 429)).toEqual([]);
  // The first answer of a second has 9 left of it, so that with 8 left of the hour it shows that; they are spread over it.
  expect(calls.length).toBeGreaterThanOrEqual(22);
});

it("counts what a run has cost over all of its processes", async () => {
  const world = await startWorld({ instagram: { creators: 20 } });
  const config = await testConfig({ ...world.env, DATABASE_URL: databaseUrl });
  const input = { ids: world.ids, max_cost_usd: 10 * 0.00066 };
  const first = await runActor(actor, { config, log, input, database: {} });
  expect([first.summary?.status, first.summary?.requestsSent]).toEqual(["ABORTED", 10]);
  const again = await runActor(actor, { config, log, database: { runId: first.summary!.runId! } });
  expect([again.summary?.status, again.summary?.requestsSent]).toEqual(["ABORTED", 0]);
  expect(again.summary?.statusMessage).toContain("the limit of 0.0066 USD is reached");
});
