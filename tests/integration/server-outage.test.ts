import { afterAll, beforeAll, expect, it } from "vitest";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { type DatabaseGate, openDatabaseGate } from "./database-gate.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer } from "./server-test-server.ts";

let cluster: TestCluster;
let gate: DatabaseGate;
let database: Database;
let server: TestServer;
beforeAll(async () => {
  cluster = await startCluster();
  const config = await cluster.createMigratedConfig();
  gate = await openDatabaseGate(config.databaseUrl!);
  database = await openDatabase({ ...config, databaseUrl: gate.url }, { applicationName: "tests" });
  server = await startTestServer(database);
});
afterAll(async () => {
  await server.close();
  await database.close();
  await gate.shut();
  await cluster.stop();
});

const ready = async () => (await fetch(`${server.url}/ready`)).status;

it("/ready turns 503 within 5 s of the database going away, and 200 within 5 s of its return", async () => {
  expect(await ready()).toBe(200);
  await gate.shut();
  await expect.poll(ready, { timeout: 5_000, interval: 200 }).toBe(503);

  const refused = await server.request("/api/reddit/subreddits");
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(await refused.json()).toMatchObject({ error: { code: "SERVICE_UNAVAILABLE" } });
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
  expect(await (await server.request("/metrics")).text()).toContain("b9_database_up 0");

  await gate.open();
  await expect.poll(ready, { timeout: 5_000, interval: 200 }).toBe(200);
  expect((await server.request("/api/reddit/subreddits")).status).toBe(200);
});

it("/ready turns 503 within 5 s when the database says nothing any more", async () => {
  expect(await ready()).toBe(200);
  gate.swallow();
  await expect.poll(ready, { timeout: 5_000, interval: 200 }).toBe(503);
  await gate.open();
  await expect.poll(ready, { timeout: 15_000, interval: 200 }).toBe(200);
});
