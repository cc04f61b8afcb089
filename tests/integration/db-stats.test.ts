import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Database } from "../../shared/db/database.ts";
import { readStats, type TableStats } from "../../shared/db/stats.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";

let cluster: TestCluster;
let database: Database;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
});
afterAll(() => cluster.stop());

async function readTable(name: string): Promise<TableStats> {
  const { tables } = await readStats(database.pool);
  return tables.find((table) => table.name === name)!;
}

it("counts a small table as it is, partitions included, before anybody has analysed it", async () => {
  const { pool } = database;
  expect(await readTable("system_logs")).toMatchObject({ rows: 0, isEstimate: false });
  const log = (at: string) => ({ at, source: "reddit", level: "info", message: "m" });
  await pool.query("select write_logs($1)", [
    JSON.stringify([log("2026-01-01T00:00:00Z"), log("2026-01-02T00:00:00Z")]),
  ]);
  await pool.query("insert into reddit_subreddits (name) select 'r' || n from generate_series(1, 100) n");
  await pool.query("delete from reddit_subreddits where name in ('r1', 'r2')");
  expect(await readTable("system_logs")).toMatchObject({ rows: 2, isEstimate: false });
  expect(await readTable("reddit_subreddits")).toMatchObject({ rows: 98, isEstimate: false });
});

it("says which sizes are estimates, and knows those of a table that was never analysed", async () => {
  const { pool } = database;
  await pool.query("alter table failed_items set (autovacuum_enabled = off)");
  await pool.query(
    `insert into failed_items (dataset, key, item, reason)
    select 'd', n::text, '{}', repeat('x', 1900) from generate_series(1, 40000) n`,
  );
  // The server's counts follow within a second.
  await sleep(1_500);
  expect(await readTable("failed_items")).toMatchObject({ rows: 40_000, isEstimate: true });
  await pool.query("select pg_stat_reset()");
  expect(await readTable("failed_items")).toMatchObject({ rows: null, isEstimate: true });
});
