import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { compareWithTruth, DEFAULT_LISTINGS } from "../../shared/cli/compare-truth.ts";
import { readRunItems } from "../../shared/crawl/postgres/read-run-items.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { compareTables, TABLES } from "./postgres-tables.ts";
import { temporaryFolder } from "./test-site.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const SUBREDDITS = 30;
const RUN = "shared-run";
let cluster: TestCluster;
let sandbox: Sandbox;
let database: Database;
let env: Record<string, string>;
let names: string[];
beforeAll(async () => {
  cluster = await startCluster();
  const config = await cluster.createMigratedConfig();
  database = await openDatabase(config, { applicationName: "tests" });
  sandbox = await startSandbox({
    seed: 5,
    subreddits: 80,
    users: 600,
    // Two clients of 15 requests every 2 s of real time.
    budgetRequests: 15,
    budgetSecs: 80,
    timeScale: 40,
    faults: [{ kind: "slow_headers", rate: 0.5, delay_ms: 60 }],
  });
  const folder = await temporaryFolder();
  const identitiesFile = path.join(folder, "identities.json");
  await writeFile(identitiesFile, JSON.stringify(sandbox.identities));
  env = {
    ...sandbox.env,
    IDENTITIES_FILE: identitiesFile,
    DATABASE_URL: config.databaseUrl!,
    LEASE_SECS: "3",
    LOG_LEVEL: "error",
    PATH: process.env["PATH"]!,
  };
  ({ names } = (await (await fetch(`${sandbox.url}/_sandbox/truth?count=${SUBREDDITS}`)).json()) as {
    names: string[];
  });
});
afterAll(async () => {
  await database.close();
  await sandbox.close();
  await cluster.stop();
});

function crawl(): ChildProcess {
  const input = JSON.stringify({ subreddits: names, discover: true });
  const args = ["crawl", "reddit", "--db", "--run", RUN, "--input", input];
  return spawn(path.join(ROOT, "b9"), args, { env, stdio: ["ignore", "ignore", "inherit"] });
}

async function countHandled(): Promise<number> {
  const { rows } = await database.pool.query(
    "select coalesce(sum(value), 0) as handled from run_counters where counter in ('handled', 'failed')",
  );
  return rows[0].handled;
}

it("four processes share a crawl: two are killed, the database too, nothing is lost or doubled", async () => {
  const processes = Array.from({ length: 4 }, crawl);
  const ended = processes.map(async (each) => once(each, "exit"));
  while ((await countHandled()) < 15) await sleep(50);
  await sleep(Math.random() * 300);
  processes[0]!.kill("SIGKILL");
  await sleep(Math.random() * 600);
  await cluster.kill();
  await sleep(1_000 + Math.random() * 600);
  processes[1]!.kill("SIGKILL");
  expect(await Promise.all(ended)).toEqual([
    [null, "SIGKILL"],
    [null, "SIGKILL"],
    [0, null],
    [0, null],
  ]);

  const { rows: states } = await database.pool.query("select state, count(*) as n from requests group by 1");
  const inRows = Object.fromEntries(states.map(({ state, n }) => [state, n]));
  const { rows: runs } = await database.pool.query(
    "select status, count_requests(number) as counts from runs",
  );
  expect(runs).toEqual([
    {
      status: "SUCCEEDED",
      counts: { ...inRows, total: await countHandled(), pending: 0, claimed: 0, delayed: 0 },
    },
  ]);
  const { windows } = (await (await fetch(`${sandbox.url}/_sandbox/stats`)).json()) as {
    windows: { owner: string; over: number }[];
  };
  expect(windows.length).toBeGreaterThan(4);
  expect(windows.filter(({ over }) => over > 0)).toEqual([]);
}, 90_000);

it("its datasets equal the ground truth", async () => {
  const storageDir = await temporaryFolder();
  for (const dataset of [...Object.keys(TABLES), "reddit_discoveries"]) {
    const folder = path.join(storageDir, "datasets", dataset);
    await mkdir(folder, { recursive: true });
    let number = 0;
    for await (const item of readRunItems(database.pool, RUN, dataset)) {
      await writeFile(path.join(folder, `${String(++number).padStart(9, "0")}.json`), JSON.stringify(item));
    }
  }
  const crawled = { names, listings: DEFAULT_LISTINGS, isWhole: true };
  for (const { found, differences } of await compareWithTruth(sandbox.url, storageDir, crawled)) {
    expect(differences).toEqual([]);
    expect(found).toBeGreaterThan(5);
  }
});

it("its tables hold every item once, equal in every field", async () => {
  expect((await compareTables(database.pool, RUN)).slice(0, 20)).toEqual([]);
});
