import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from "vitest";
import { readMarks, readProcessTrees } from "../../shared/runs/process-tree.ts";
import { killLeftovers } from "../../shared/runs/run-group.ts";
import { withRetry } from "../../shared/db/retry.ts";
import type { Run } from "../../shared/runs/run.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { openRunsHarness, type RunsHarness } from "./runs-harness.ts";

const WORKER = path.resolve(import.meta.dirname, "runs-worker-process.ts");
const PAGES = 30;
const OVER = ["SUCCEEDED", "FAILED", "TIMED-OUT", "ABORTED"] as const;
const ENV = { RUN_LEASE_SECS: "6", LEASE_SECS: "6", LOG_LEVEL: "warn" };

let cluster: TestCluster;
let harness: RunsHarness;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  harness = await openRunsHarness(cluster, ENV);
  onTestFinished(() => harness.close());
});

/** A worker in a process of its own, which ends with the test. */
async function spawnWorker(name: string, slots = 3): Promise<ChildProcess & { pid: number }> {
  const worker = spawn(process.execPath, [WORKER, name], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...ENV, DATABASE_URL: harness.config.databaseUrl, WORKERS: String(slots) },
  });
  onTestFinished(() => void worker.kill("SIGKILL"));
  await once(worker.stdout, "data");
  return worker as ChildProcess & { pid: number };
}

/** Ids and processes of the runs that a worker has. */
function childrenOf(worker: { pid: number }): number[] {
  return readProcessTrees([worker.pid])
    .get(worker.pid)!
    .pids.filter((pid) => pid !== worker.pid);
}

/** Runs that a worker has and that have stored items. */
async function runsOf(worker: string): Promise<Run[]> {
  const { rows } = await harness.database.pool.query<{ id: string }>(
    "select id from runs where status = 'RUNNING' and worker = $1 and count_items(number) <> '{}'",
    [worker],
  );
  return Promise.all(rows.map(async ({ id }) => (await harness.runs.get(id))!));
}

async function launch(count: number): Promise<string[]> {
  const launched = await Promise.all(
    Array.from({ length: count }, () => harness.launch({ pages: PAGES }, { priority: 1 })),
  );
  return launched.map(({ id }) => id);
}

async function untilWorking(worker: string): Promise<Run[]> {
  for (const until = Date.now() + 30_000; Date.now() < until; await sleep(50)) {
    const runs = await runsOf(worker);
    if (runs.length > 0) return runs;
  }
  throw new Error(`worker ${worker} has stored nothing within 30 s`);
}

/** Every page of the run is one item, its log has no gap, and it holds nothing any more. */
async function expectWhole(id: string): Promise<void> {
  const { rows } = await harness.database.pool.query(
    `select (count_items(number)->>'reddit_posts')::integer as counted,
      (select count(*) from datasets d join dataset_items i on i.day = d.day and i.dataset_id = d.id
        where d.run_number = number) as stored,
      count_requests(number) as requests, lease_expires_at, worker
    from runs where id = $1`,
    [id],
  );
  expect(rows[0]).toMatchObject({
    counted: PAGES,
    stored: PAGES,
    requests: { total: PAGES, handled: PAGES, claimed: 0, pending: 0 },
    lease_expires_at: null,
  });
  const gaps = await harness.database.pool.query(
    `select * from (select start_offset, coalesce(lag(start_offset + octet_length(text)) over (order by start_offset), 0)
      as expected from run_logs where run_id = $1) x where start_offset <> expected`,
    [id],
  );
  expect(gaps.rows).toEqual([]);
}

it("a worker, a run's process and the database are killed: every run ends well or with the reason, whole", async () => {
  harness.site.delayMs = 300;
  const ids = await launch(8);
  const [first, second] = await Promise.all([spawnWorker("w1"), spawnWorker("w2")]);

  const lost = await untilWorking("w1");
  const orphans = childrenOf(first);
  first.kill("SIGKILL");
  const lostAt = Date.now();
  await spawnWorker("w3");

  // The process of one of its runs; which one, its command line does not tell.
  await untilWorking("w2");
  process.kill(childrenOf(second)[0]!, "SIGKILL");
  await sleep(500);
  await cluster.kill();

  const back = await Promise.all(
    lost.map(async ({ id, attempt }) => {
      for (;;) {
        const run = await withRetry(() => harness.runs.get(id));
        if (run && run.attempt > attempt) return run;
        await sleep(100);
      }
    }),
  );
  // A lease, half a one to the next look, and what it takes to find a slot.
  expect(Date.now() - lostAt).toBeLessThan(30_000);
  for (const run of back) expect(run.lostCount).toBeGreaterThan(0);
  for (const pid of orphans) expect(await isRunning(pid)).toBe(false);

  const ended = await Promise.all(ids.map((id) => harness.until(id, ...OVER)));
  const failed = ended.filter(({ status }) => status !== "SUCCEEDED");
  expect(failed).toHaveLength(1);
  expect(failed[0]).toMatchObject({
    status: "FAILED",
    exitCode: 137,
    statusMessage: "its process was killed by SIGKILL: by somebody, or by the system for memory",
  });
  await harness.runs.resurrect(failed[0]!.id);
  await harness.until(failed[0]!.id, "SUCCEEDED");
  for (const id of ids) await expectWhole(id);
  const { text } = await harness.runs.log.read(lost[0]!.id);
  expect(text).toMatch(
    /WARN {2}worker w1 was lost: the run is READY\n.*worker w\d has taken the run, attempt 2/,
  );
}, 90_000);

it("a worker that freezes loses its runs; when it wakes up, nothing that it does counts", async () => {
  harness.site.delayMs = 400;
  const frozen = await spawnWorker("frozen", 1);
  const { id } = await harness.launch({ pages: PAGES });
  await untilWorking("frozen");
  const pids = [frozen.pid, ...childrenOf(frozen)];
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  await spawnWorker("awake", 1);
  for (;;) {
    const run = (await harness.runs.get(id))!;
    if (run.attempt === 2) break;
    await sleep(50);
  }
  for (const pid of pids) process.kill(pid, "SIGCONT");
  const run = await harness.until(id, ...OVER);
  expect(run).toMatchObject({ status: "SUCCEEDED", worker: "awake", attempt: 2, lostCount: 1 });
  await expectWhole(id);
  for (const until = Date.now() + 10_000; childrenOf(frozen).length > 0 && Date.now() < until;)
    await sleep(100);
  expect(childrenOf(frozen)).toEqual([]);
  const { text } = await harness.runs.log.read(id);
  expect(text.match(/SUCCEEDED/g)).toHaveLength(1);
});

it("a process that hears nothing any more does not outlive its worker", async () => {
  const worker = await spawnWorker("w1");
  const { id } = await harness.launch({ trouble: "deaf", pages: 2 });
  // Its first page is there, its second one keeps it busy.
  await untilWorking("w1");
  await sleep(500);
  const [pid] = childrenOf(worker);
  expect(await harness.runs.get(id)).toMatchObject({ status: "RUNNING" });
  worker.kill("SIGKILL");
  for (const until = Date.now() + 15_000; (await isRunning(pid!)) && Date.now() < until;) await sleep(100);
  expect(await isRunning(pid!)).toBe(false);
});

it("what a dead worker's run has left behind is ended by the next worker, and a living one's is not", async () => {
  const left = async () => {
    const pids = [...readMarks()].flatMap(([pid, mark]) => (mark.startsWith(`${id}/1/`) ? [pid] : []));
    return pids.filter((pid) => pid !== child);
  };
  const worker = await spawnWorker("w1");
  harness.site.delayMs = 100;
  const { id } = await harness.launch({ trouble: "daemon", pages: 400 });
  await untilWorking("w1");
  const [child] = childrenOf(worker);
  for (const until = Date.now() + 40_000; (await left()).length === 0 && Date.now() < until;)
    await sleep(100);
  killLeftovers();
  const [sleeper] = await left();
  expect(await isRunning(sleeper!)).toBe(true);
  // Frozen, so that it does not clean up behind itself when it hears of its worker's end.
  process.kill(child!, "SIGSTOP");
  worker.kill("SIGKILL");
  await once(worker, "exit");
  process.kill(child!, "SIGKILL");
  expect(await isRunning(sleeper!)).toBe(true);
  await spawnWorker("w2");
  expect(await isRunning(sleeper!)).toBe(false);
}, 90_000);

it("a run whose worker is lost three times in a row has failed, with the reason", async () => {
  const { pool } = harness.database;
  const { id } = await harness.launch();
  for (let loss = 1; loss <= 3; loss++) {
    const { rows } = await pool.query("select lease_run($1, 'w1', 0) as run", [id]);
    expect(rows[0].run.attempt).toBe(loss);
    const { rows: reaped } = await pool.query("select * from reap_runs(0)");
    expect(reaped).toEqual([{ run_id: id, status: loss < 3 ? "READY" : "FAILED" }]);
  }
  expect(await harness.runs.get(id)).toMatchObject({
    status: "FAILED",
    statusMessage: "worker w1 was lost, 3 times in a row",
    lostCount: 3,
  });
});

it("an end that was asked for comes about although the worker is lost", async () => {
  const { pool } = harness.database;
  const [aborted, late] = await Promise.all([harness.launch(), harness.launch({}, { timeoutSecs: 1 })]);
  for (const { id } of [aborted, late]) await pool.query("select lease_run($1, 'w1', 0)", [id]);
  await harness.runs.abort(aborted.id, { gracefully: true });
  await sleep(1_100);
  await pool.query("select time_out_run($1, 1)", [late.id]);
  await pool.query("select reap_runs(0)");
  expect(await harness.runs.get(aborted.id)).toMatchObject({ status: "ABORTED" });
  expect(await harness.runs.get(late.id)).toMatchObject({ status: "TIMED-OUT" });
});

it("two workers share many runs; the one that is stopped hands its own to the other", async () => {
  harness.site.delayMs = 200;
  const ids = await launch(6);
  const [first] = await Promise.all([spawnWorker("w1", 2), spawnWorker("w2", 2)]);
  await untilWorking("w2");
  const own = await untilWorking("w1");
  const stoppedAt = Date.now();
  first.kill("SIGTERM");
  const [code] = (await once(first, "exit")) as [number];
  expect(code).toBe(0);
  expect(Date.now() - stoppedAt).toBeLessThan(30_000);
  expect(await runsOf("w1")).toEqual([]);
  const ended = await Promise.all(ids.map((id) => harness.until(id, ...OVER)));
  for (const run of ended) expect(run).toMatchObject({ status: "SUCCEEDED", lostCount: 0 });
  for (const { id } of own)
    expect(await harness.runs.get(id)).toMatchObject({ worker: "w2", attempt: 2, status: "SUCCEEDED" });
  for (const id of ids) await expectWhole(id);
}, 90_000);

/** A process that has ended may stay in the list until somebody asks how. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
  return !/\) Z/.test(stat);
}
