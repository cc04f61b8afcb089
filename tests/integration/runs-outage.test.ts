import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from "vitest";
import { readConfig } from "../../shared/config.ts";
import { openDatabase } from "../../shared/db/database.ts";
import { openRuns } from "../../shared/runs/runs.ts";
import { startWorker, type Worker } from "../../shared/runs/worker.ts";
import { type DatabaseProxy, startDatabaseProxy } from "./database-proxy.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { openRunsHarness, type RunsHarness } from "./runs-harness.ts";

const PAGES = 40;
const OVER = ["SUCCEEDED", "FAILED", "TIMED-OUT", "ABORTED"] as const;

let cluster: TestCluster;
let harness: RunsHarness;
let proxy: DatabaseProxy;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  harness = await openRunsHarness(cluster, { RUN_LEASE_SECS: "4", LEASE_SECS: "4" });
  harness.site.delayMs = 300;
  proxy = await startDatabaseProxy(harness.config.databaseUrl!);
  onTestFinished(async () => {
    await harness.close();
    proxy.close();
  });
});

/** A worker that has the database by the way that can be cut, and so have its runs. */
async function startRemoteWorker(name: string): Promise<Worker> {
  const config = {
    ...harness.config,
    ...readConfig({ DATABASE_URL: proxy.url, RUN_LEASE_SECS: "4" }, "none"),
  };
  const log = pino({ level: "silent" });
  const database = await openDatabase(config, { applicationName: name, max: 4, log });
  const runs = await openRuns({ database, config, log, actors: harness.runs.actors });
  const worker = await startWorker({ database, runs, config, log, name, slots: 1, classes: ["http"] });
  onTestFinished(async () => {
    worker.kill();
    proxy.mend();
    await runs.close();
    await database.close();
  });
  return worker;
}

async function untilStoring(id: string, pages: number): Promise<void> {
  while ((await stored(id)) < pages) await sleep(50);
}

async function stored(id: string): Promise<number> {
  const { rows } = await harness.database.pool.query(
    "select coalesce((count_items(number)->>'reddit_posts')::integer, 0) as n from runs where id = $1",
    [id],
  );
  return rows[0].n;
}

it("goes on with a run, in the same attempt, when the database was away for less than a lease", async () => {
  await startRemoteWorker("remote");
  const { id } = await harness.launch({ pages: PAGES });
  await untilStoring(id, 4);
  proxy.cut();
  await sleep(1_500);
  proxy.mend();
  expect(await harness.until(id, ...OVER)).toMatchObject({ status: "SUCCEEDED", attempt: 1, lostCount: 0 });
  expect(await stored(id)).toBe(PAGES);
});

it("cut off for longer than a lease, a worker ends its runs; another one goes on, and nothing comes twice", async () => {
  const worker = await startRemoteWorker("remote");
  const { id } = await harness.launch({ pages: PAGES });
  await untilStoring(id, 4);
  const [{ pid } = { pid: 0 }] = worker.status().runs;
  proxy.cut();
  const cutAt = Date.now();
  await harness.startWorker("near");
  while (isThere(pid!)) await sleep(50);
  expect(Date.now() - cutAt).toBeLessThan(10_000);
  for (let run = await harness.runs.get(id); run?.worker !== "near"; run = await harness.runs.get(id))
    await sleep(50);
  proxy.mend();
  expect(await harness.until(id, ...OVER)).toMatchObject({ status: "SUCCEEDED", attempt: 2, worker: "near" });
  expect(await stored(id)).toBe(PAGES);
  await sleep(1_000);
  expect(await harness.runs.get(id)).toMatchObject({ status: "SUCCEEDED", attempt: 2 });
  expect(worker.status().runs).toEqual([]);
});

it("when the database is back after longer than a lease, the worker itself goes on with its run", async () => {
  const worker = await startRemoteWorker("remote");
  const { id } = await harness.launch({ pages: PAGES });
  await untilStoring(id, 4);
  // Nobody else looks for lost runs meanwhile.
  const [{ pid } = { pid: 0 }] = worker.status().runs;
  await harness.database.pool.query("alter function reap_runs(double precision) rename to reap_no_runs");
  proxy.cut();
  while (isThere(pid!)) await sleep(50);
  proxy.mend();
  const run = await harness.until(id, ...OVER);
  expect(run).toMatchObject({ status: "SUCCEEDED", attempt: 2, lostCount: 0, worker: "remote" });
  expect(await stored(id)).toBe(PAGES);
  const { text } = await harness.runs.log.read(id);
  expect(text).toMatch(/worker remote could not reach the database for 4 s: killed/);
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
