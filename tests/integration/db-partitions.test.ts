import { afterAll, beforeAll, expect, it } from "vitest";
import { startCluster, type TestCluster } from "./db-cluster.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());

it("a day's partition is made once, by whichever of many sessions needs it first", async () => {
  const { pool } = await cluster.createDatabase({ maxConnections: 10 });
  for (const day of ["2027-01-01", "2027-01-02", "2027-01-03"]) {
    const asking = Array.from({ length: 10 }, () =>
      pool.query("select ensure_partition('system_logs', $1)", [day]),
    );
    expect((await Promise.allSettled(asking)).filter(({ status }) => status === "rejected")).toEqual([]);
  }
  const { rows } = await pool.query(
    "select count(*) as n from pg_inherits where inhparent = 'system_logs'::regclass",
  );
  expect(rows[0].n).toBe(3);
});
