import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { actor } from "../../actors/instagram/main.ts";
import { readRunItems } from "../../shared/crawl/postgres/read-run-items.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import { compareInstagram } from "../../shared/cli/compare-instagram.ts";
import type { ReadItems } from "../../shared/cli/compare-truth.ts";
import type { DatasetName } from "../../shared/datasets.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startWorld } from "./instagram-world.ts";
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
