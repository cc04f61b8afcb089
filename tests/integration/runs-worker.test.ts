import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { RunCgroup } from "../../shared/runs/run-cgroup.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { openRunsHarness, type RunsHarness } from "./runs-harness.ts";

let cluster: TestCluster;
let harness: RunsHarness;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  harness = await openRunsHarness(cluster, { RUN_LEASE_SECS: "6" });
  onTestFinished(() => harness.close());
});

const OVER = ["SUCCEEDED", "FAILED", "TIMED-OUT", "ABORTED"] as const;
const items = async (id: string): Promise<number> => {
  const { rows } = await harness.database.pool.query(
    "select coalesce((count_items(number)->>'reddit_posts')::integer, 0) as n from runs where id = $1",
    [id],
  );
  return rows[0].n;
};

it("carries a run out within a second of its launch, and tells of it", async () => {
  const { runs, site, until } = harness;
  const worker = await harness.startWorker("w1");
  site.delayMs = 20;
  const launchedAt = performance.now();
  const { id } = await harness.launch({ pages: 300 });
  const running = await until(id, "RUNNING");
  expect(performance.now() - launchedAt).toBeLessThan(3_000);
  expect(running).toMatchObject({ attempt: 1, worker: "w1", startedAt: expect.any(Date), finishedAt: null });
  expect(running.leaseExpiresAt!.getTime()).toBeGreaterThan(Date.now() + 3_000);
  expect(worker.status()).toMatchObject({ name: "w1", slots: 2, runs: [{ id, attempt: 1 }] });

  const live: string[] = [];
  for await (const text of runs.log.follow(id, { signal: AbortSignal.timeout(30_000) })) live.push(text);
  const run = await until(id, "SUCCEEDED");
  expect(run).toMatchObject({
    status: "SUCCEEDED",
    statusMessage: "all requests are done",
    exitCode: 0,
    leaseExpiresAt: null,
    lostCount: 0,
    progress: { requestsFinished: 300, requestsFailed: 0, requestsPending: 0 },
  });
  expect(run.ranSecs).toBeGreaterThan(1);
  expect(run.stats["memMaxBytes"]).toBeGreaterThan(50_000_000);
  expect(run.stats["cpuMaxUsage"]).toBeGreaterThan(5);
  expect(await items(id)).toBe(300);
  expect(new Set(site.asked).size).toBe(300);

  const { text, size } = await runs.log.read(id);
  expect(live.join("")).toBe(text);
  expect(live.length).toBeGreaterThan(1);
  const lines = text.trimEnd().split("\n");
  for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|WARN) /);
  expect(lines[0]).toMatch(/worker w1 has taken the run, attempt 1, up to 300 MB$/);
  expect(lines.at(-1)).toMatch(/SUCCEEDED: all requests are done$/);
  expect(Buffer.byteLength(text)).toBe(size);
  const middle = await runs.log.read(id, { start: 30, end: 90 });
  expect(middle).toEqual({ text: text.slice(30, 90), size });
  expect((await runs.log.read(id, { start: size - 10 })).text).toBe(text.slice(-10));
});

it("the process of a run that goes wrong fails it, with the reason", async () => {
  await harness.startWorker("w1", { slots: 4 });
  harness.site.delayMs = 100;
  const reasons = {
    throw: [1, /^its process ended with exit code 1: TypeError: the middle is missing \ufffd\ufffd$/],
    exit: [7, /^its process ended with exit code 7$/],
    memory: [137, /^out of memory: \d+ MB of 300 MB$/],
    heap: [expect.any(Number), /^out of memory: /],
  } as const;
  const logs: Record<string, string> = {};
  await Promise.all(
    Object.entries(reasons).map(async ([trouble, [exitCode, message]]) => {
      const { id } = await harness.launch({ trouble, pages: 100 });
      const { statusMessage, ...run } = await harness.until(id, ...OVER);
      expect(run).toMatchObject({ status: "FAILED", exitCode });
      expect(statusMessage).toMatch(message);
      const { rows } = await harness.database.pool.query(
        "select level, source, message from system_logs where run_id = $1 order by id desc limit 1",
        [id],
      );
      expect(rows).toEqual([{ level: "error", source: "pages", message: `FAILED: ${statusMessage}` }]);
      logs[trouble] = (await harness.runs.log.read(id)).text;
    }),
  );
  for (const text of Object.values(logs)) expect(text).toMatch(/ERROR FAILED: /);
  expect(logs["throw"]).toMatch(/Z INFO {6}at Immediate\./);
});

it("leaves a queue that another version wrote whole: the run is FAILED with that reason", async () => {
  const { runs, site, until, database } = harness;
  await harness.startWorker("w1");
  site.delayMs = 20;
  const { id } = await harness.launch({ pages: 300 });
  await until(id, "RUNNING");
  await runs.abort(id, { gracefully: true });
  await until(id, "ABORTED");
  const other = [{ url: `${site.origin}/x`, uniqueKey: "x", label: "OTHER", userData: {} }];
  await database.pool.query("select add_requests(number, $2) from runs where id = $1", [
    id,
    JSON.stringify(other),
  ]);
  const pending = async () =>
    (await database.pool.query("select count_requests(number) as n from runs where id = $1", [id])).rows[0].n;
  const before = await pending();
  const asked = site.asked.length;
  await runs.resurrect(id);
  expect((await until(id, "FAILED")).statusMessage).toMatch(
    /^the queue of run \w+ was written by another version .*no handler for label OTHER/,
  );
  expect(await pending()).toEqual(before);
  expect(site.asked.length).toBe(asked);
});

it("aborts gracefully: what is in flight finishes; a resurrection does the rest, and nothing twice", async () => {
  const { runs, site, until } = harness;
  await harness.startWorker("w1");
  site.delayMs = 300;
  const { id } = await harness.launch({ pages: 40 });
  while ((await items(id)) < 4) await sleep(50);
  const askedAt = performance.now();
  expect(await runs.abort(id, { gracefully: true })).toMatchObject({ status: "ABORTING" });
  const aborted = await until(id, "ABORTED");
  expect(performance.now() - askedAt).toBeLessThan(10_000);
  expect(aborted).toMatchObject({ exitCode: 0, statusMessage: "aborted on request" });
  const before = await items(id);
  expect(site.asked).toHaveLength(before);
  const { rows } = await harness.database.pool.query(
    "select count(*) as n from requests where state = 'leased'",
  );
  expect(rows[0].n).toBe(0);

  site.delayMs = 5;
  await sleep(1_000);
  await runs.resurrect(id);
  await until(id, "RUNNING");
  // A heartbeat later, before its process has told anything.
  await sleep(1_300);
  expect((await runs.get(id))!.progress["requestsFinished"]).toBeGreaterThanOrEqual(before);
  const over = await until(id, ...OVER);
  expect(over).toMatchObject({ status: "SUCCEEDED", attempt: 2, resurrectCount: 1 });
  expect(over.startedAt).toEqual(aborted.startedAt);
  expect(over.ranSecs).toBeLessThan((over.finishedAt!.getTime() - over.startedAt!.getTime()) / 1000 - 0.9);
  expect(await items(id)).toBe(40);
  expect(site.asked.toSorted()).toEqual([...new Set(site.asked)].sort());
});

it("kills within two seconds, with everything that the run has started, also after a graceful end was asked", async () => {
  const { runs, site, until } = harness;
  const worker = await harness.startWorker("w1");
  site.delayMs = 50;
  const browser = await harness.launch({ trouble: "browser", pages: 400 });
  const deaf = await harness.launch({ trouble: "deaf" });
  while ((await items(browser.id)) < 250) await sleep(50);
  const [{ pid } = { pid: 0 }] = worker.status().runs.filter((run) => run.id === browser.id);
  const children = await childrenOf(pid!);
  expect(children.length).toBeGreaterThan(0);
  await runs.abort(deaf.id, { gracefully: true });
  await sleep(1_000);
  expect(await runs.get(deaf.id)).toMatchObject({ status: "ABORTING" });

  const askedAt = performance.now();
  for (const { id } of [browser, deaf]) await runs.abort(id, { gracefully: false });
  for (const { id } of [browser, deaf])
    expect(await until(id, "ABORTED")).toMatchObject({ exitCode: 137, statusMessage: "aborted on request" });
  expect(performance.now() - askedAt).toBeLessThan(4_000);
  for (const child of children) expect(await isRunning(child)).toBe(false);
});

it("ends a run that has had its time, one that has cost its limit, and one that has its items", async () => {
  const { site, until } = harness;
  await harness.startWorker("w1", { slots: 3 });
  site.delayMs = 200;
  const [slow, costly, full] = await Promise.all([
    harness.launch({ pages: 400 }, { timeoutSecs: 3 }),
    harness.launch({ pages: 400 }, { maxCostUsd: 0.5 }),
    harness.launch({ pages: 400 }, { maxItems: 5 }),
  ]);
  await until(costly.id, "RUNNING");
  await harness.database.pool.query("select record_usage($1)", [
    JSON.stringify([{ provider: "x", endpoint: "y", status: 200, cost_usd: 0.6, run_id: costly.id }]),
  ]);
  expect(await until(slow.id, ...OVER)).toMatchObject({
    status: "TIMED-OUT",
    statusMessage: "its 3 s are over",
  });
  expect(await until(costly.id, ...OVER)).toMatchObject({
    status: "ABORTED",
    statusMessage: "its limit of 0.5 USD is reached",
    costUsd: 0.6,
  });
  expect(await until(full.id, ...OVER)).toMatchObject({
    status: "SUCCEEDED",
    statusMessage: "the limit of 5 items is reached",
  });
});

it("a run that is to be restarted on errors is tried three times, and then fails with the reason", async () => {
  await harness.startWorker("w1");
  const { id } = await harness.launch({ trouble: "exit" }, { restartOnError: true });
  expect(await harness.until(id, ...OVER)).toMatchObject({
    status: "FAILED",
    attempt: 3,
    statusMessage: "its process ended with exit code 7, 3 times in a row",
  });
});

it("takes runs by priority, as far as slots and memory go; what is too big waits for another worker", async () => {
  const { runs, site, until } = harness;
  site.delayMs = 100;
  const first = await harness.launch({ pages: 4 });
  const second = await harness.launch({ pages: 4 }, { priority: 5 });
  const big = await harness.launch({ pages: 4 }, { priority: 9, memoryMbytes: 4_000 });
  await harness.startWorker("small", { slots: 4, config: { workerMemoryMbytes: 500 } });
  await until(second.id, "RUNNING");
  expect(await runs.get(first.id)).toMatchObject({ status: "READY" });
  const [a, b] = await Promise.all([first, second].map(({ id }) => until(id, "SUCCEEDED")));
  expect(a!.startedAt!.getTime()).toBeGreaterThanOrEqual(b!.finishedAt!.getTime());
  expect(await runs.get(big.id)).toMatchObject({
    status: "READY",
    statusMessage: "waits for a worker with 4000 MB",
  });
  await harness.startWorker("large");
  expect(await until(big.id, "SUCCEEDED")).toMatchObject({ worker: "large" });
});

it("what waits for memory lets those behind it pass, says so, and has its turn", async () => {
  const { runs, site, until } = harness;
  site.delayMs = 150;
  const long = await harness.launch({ pages: 2_000 });
  await harness.startWorker("w1", { slots: 4, config: { workerMemoryMbytes: 700 } });
  await until(long.id, "RUNNING");
  for (let n = 0; n < 30; n++) await harness.launch({}, { priority: 7, memoryMbytes: 5_000 });
  const big = await harness.launch({ pages: 4 }, { priority: 5, memoryMbytes: 600 });
  const small = await harness.launch({ pages: 4 });
  await until(small.id, "SUCCEEDED");
  expect(await runs.get(big.id)).toMatchObject({
    status: "READY",
    statusMessage: "waits for 600 MB of memory, until other runs have ended",
  });
  await runs.abort(long.id, { gracefully: false });
  await until(big.id, "SUCCEEDED");
});

it("runs of a token have no more memory together than it may have", async () => {
  const { pool } = harness.database;
  const tokenMaxMemoryMbytes = 500;
  const { rows } = await pool.query(
    "insert into api_tokens (name, scope, token_hash) values ('t', 'run', 'x') returning id",
  );
  const by = { tokenId: rows[0].id as number, limits: { ...harness.config, tokenMaxMemoryMbytes } };
  harness.site.delayMs = 150;
  const [first, second] = [
    await harness.launch({ pages: 400 }, { by }),
    await harness.launch({ pages: 4 }, { by }),
  ];
  const others = await harness.launch({ pages: 4 });
  await harness.startWorker("w1", { slots: 4, config: { tokenMaxMemoryMbytes } });
  await harness.until(others.id, "SUCCEEDED");
  expect(await harness.runs.get(first.id)).toMatchObject({ status: "RUNNING" });
  expect(await harness.runs.get(second.id)).toMatchObject({
    status: "READY",
    statusMessage: "waits until runs of the same token have ended: together they may have 500 MB",
  });
  await harness.until(second.id, "SUCCEEDED");
  expect(await harness.runs.get(first.id)).toMatchObject({ status: "SUCCEEDED" });
});

it("a flood of output is cut, counted and bounded, and other runs' logs are whole", async () => {
  await harness.startWorker("w1", { config: { runMaxLogMbytes: 1 } });
  const flood = await harness.launch({ trouble: "flood" });
  const quiet = await harness.launch({ pages: 40 });
  for (const { id } of [flood, quiet]) await harness.until(id, "SUCCEEDED");
  // The last lines may be on their way to the database when the run is over.
  const readWhole = ({ id }: { id: string }) =>
    vi.waitFor(
      async () => {
        const log = await harness.runs.log.read(id);
        expect(log.text.trimEnd().split("\n").at(-1)).toMatch(/SUCCEEDED: all requests are done$/);
        return log;
      },
      { timeout: 20_000, interval: 200 },
    );
  const { text, size } = await readWhole(flood);
  expect(size).toBeLessThan(2_000_000);
  expect(text).toMatch(/… [\d,]{6,} lines left out \([\d,]+ bytes\): /);
  expect(text).not.toContain("\ufffd");
  const other = (await readWhole(quiet)).text;
  expect(other).not.toContain("left out");
});

it("odd lines and messages of a run's process are text and nothing", async () => {
  await harness.startWorker("w1");
  const { id } = await harness.launch({ trouble: "odd" });
  expect(await harness.until(id, ...OVER)).toMatchObject({ status: "SUCCEEDED" });
  const { text } = await harness.runs.log.read(id);
  expect(text).toContain('WARN  {"toString":1}\n');
  expect(text).toContain('INFO  {"level":"warn","a":1e999}\n');
  expect(text).toContain('INFO  {"level":"warn","a":[[[');
});

it("the process of a run knows no secret that it has no use for", async () => {
  vi.stubEnv("SOME_PASSWORD", "hidden-from-runs");
  onTestFinished(() => void vi.unstubAllEnvs());
  const worker = await harness.startWorker("w1", { config: { apiToken: "hidden-from-runs" } });
  harness.site.delayMs = 200;
  const { id } = await harness.launch({ pages: 20 });
  await harness.until(id, "RUNNING");
  const environment = await readFile(`/proc/${worker.status().runs[0]!.pid}/environ`, "utf8");
  expect(environment).toContain(`B9_RUN=${id}/1/`);
  expect(environment).not.toContain("hidden-from-runs");
  expect(environment).not.toMatch(/DATABASE|API_TOKEN|VITEST/);
});

it.each(["daemon", "stranger"] as const)(
  "a process that has left its run is gone with it, whatever way the run ends: %s",
  async (trouble) => {
    // Without its environment it is found by its control group alone.
    if (trouble === "stranger" && !hasControlGroups()) return;
    const { runs, site, until } = harness;
    await harness.startWorker("w1", { slots: 3 });
    site.delayMs = 50;
    const quick = await harness.launch({ trouble });
    await until(quick.id, "SUCCEEDED");
    expect(await sleepersOf(trouble)).toEqual([]);
    for (const gracefully of [true, false]) {
      const { id } = await harness.launch({ trouble, pages: 400 });
      while ((await sleepersOf(trouble)).length === 0) await sleep(50);
      await runs.abort(id, { gracefully });
      await until(id, "ABORTED");
      expect(await sleepersOf(trouble)).toEqual([]);
    }
  },
  120_000,
);

it("a run of an actor that no worker has waits, and says so", async () => {
  const { runs, database } = harness;
  const { id } = await harness.launch();
  await database.pool.query("update runs set actor = 'newer' where id = $1", [id]);
  await harness.startWorker("w1");
  const statusMessage = "waits for a worker that has actor newer";
  for (const until = Date.now() + 20_000; Date.now() < until; await sleep(50))
    if ((await runs.get(id))?.statusMessage === statusMessage) break;
  expect(await runs.get(id)).toMatchObject({ status: "READY", attempt: 0, statusMessage });
});

it("a worker that is drained hands its runs back, and another one goes on with them", async () => {
  const { site, until } = harness;
  const worker = await harness.startWorker("w1");
  site.delayMs = 200;
  const { id } = await harness.launch({ pages: 60 });
  while ((await items(id)) < 4) await sleep(50);
  await worker.drain();
  expect(await harness.runs.get(id)).toMatchObject({
    status: "READY",
    worker: null,
    leaseExpiresAt: null,
    statusMessage: "worker w1 stops",
  });
  await harness.startWorker("w2");
  const run = await until(id, ...OVER);
  expect(run).toMatchObject({ status: "SUCCEEDED", worker: "w2", attempt: 2, lostCount: 0 });
  expect(await items(id)).toBe(60);
  expect(site.asked).toHaveLength(60);
});

function hasControlGroups(): boolean {
  const group = RunCgroup.create(`test_${process.pid}`);
  group?.remove();
  return group !== null;
}

/** What the actor `pages` starts and leaves. */
async function sleepersOf(trouble: "daemon" | "stranger"): Promise<number[]> {
  const secs = { daemon: 3127, stranger: 3128 }[trouble];
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return pids.filter((_, n) => lines[n] === `sleep\0${secs}\0`).map(Number);
}

/** A process that has ended may stay in the list until somebody asks how. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
  return !/\) Z/.test(stat);
}

async function childrenOf(pid: number): Promise<number[]> {
  const { readProcessTrees } = await import("../../shared/runs/process-tree.ts");
  return readProcessTrees([pid])
    .get(pid)!
    .pids.filter((child) => child !== pid);
}
