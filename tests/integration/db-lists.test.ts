import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../shared/db/database.ts";
import { seed } from "../../shared/db/seed.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { LISTS, SEARCHES } from "./db-lists.ts";

let cluster: TestCluster;
let database: Database;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase({ maxConnections: 2 });
  await database.pool.query("select ensure_partition('system_logs', current_date)");
  await seed(database.pool, "small", () => undefined);
});
afterAll(() => cluster.stop());

async function explain(sql: string): Promise<string> {
  const client = await database.pool.connect();
  try {
    // On tables this small reading everything may well be cheaper; the question is whether an index can do it.
    await client.query("begin; set local enable_seqscan = off; set local enable_bitmapscan = off");
    const { rows } = await client.query(`explain ${sql}`);
    return rows.map((row) => row["QUERY PLAN"]).join("\n");
  } finally {
    await client.query("rollback");
    client.release();
  }
}

describe("has an index that gives the order", () => {
  it.each(Object.entries(LISTS))("%s", async (_, sql) => {
    const plan = await explain(sql);
    expect(plan).toMatch(/Index (Only )?Scan/);
    expect(plan).not.toMatch(/Seq Scan|Sort Key/);
  });
});

it.each(Object.entries(SEARCHES))("%s can be asked of a small database", async (_, sql) => {
  await expect(database.pool.query(sql)).resolves.toBeDefined();
});
