import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { PostgresRecords } from "../../shared/crawl/postgres/postgres-records.ts";
import { openPostgresRunStorage } from "../../shared/crawl/postgres/postgres-run-storage.ts";
import type { CrawlProgress } from "../../shared/crawl/progress.ts";
import { runOnDatabase } from "../../shared/crawl/run-on-database.ts";
import { LostRunError } from "../../shared/crawl/run-storage.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { commit, post, request } from "../contract/run-storage-samples.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { pagesActor, startServer, testConfig } from "./test-site.ts";

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

let runs = 0;
let runId: string;
beforeEach(async () => {
  runId = `run${++runs}`;
  await database.pool.query("select open_run($1, 'pages', '{}')", [runId]);
  await take(1);
});

/** As whoever takes the run from its attempt does: with the row locked. */
const take = (attempt: number) =>
  database.pool.query(
    `with locked as materialized (select id from runs where id = $1 for update)
    update runs r set attempt = $2 from locked where r.id = locked.id`,
    [runId, attempt],
  );
const openAttempt = (attempt: number) => openPostgresRunStorage({ database, runId, attempt });
const attemptOptions = async (attempt: number, pages: number) => ({
  runId,
  attempt,
  input: { pages },
  config: await testConfig({ DATABASE_URL: databaseUrl, MAX_CONCURRENCY: "4" }),
  log,
});
async function readRun() {
  const { rows } = await database.pool.query(
    "select status, finished_at, count_requests(number) as counts from runs where id = $1",
    [runId],
  );
  return rows[0];
}

it("an attempt crawls the run, tells its progress, and leaves the run's row to its manager", async () => {
  const origin = await startServer((_, response) => setTimeout(() => response.end("{}"), 100));
  const told: CrawlProgress[] = [];
  const { exitCode, summary } = await runOnDatabase(pagesActor(origin), {
    ...(await attemptOptions(1, 100)),
    onProgress: (progress) => told.push(progress),
  });
  expect(exitCode).toBe(0);
  expect(summary).toMatchObject({ status: "SUCCEEDED", runId, requestsFinished: 100 });
  expect(await readRun()).toMatchObject({ status: "RUNNING", finished_at: null });
  expect(await new PostgresRecords(database.pool, runId).get("OUTPUT")).toMatchObject({ runId });
  expect(told.length).toBeGreaterThan(1);
  expect(told[0]!.requestsPending).toBeGreaterThan(0);
  expect(told.at(-1)).toMatchObject({
    requestsTotal: 100,
    requestsFinished: 100,
    requestsPending: 0,
    requestsSent: 100,
    itemsPushed: 100,
    budgets: [{ sent: 100 }],
  });
  expect(told.at(-1)!.requestsPerMinute).toBeGreaterThan(100);
});

it("what a process of an older attempt writes changes nothing, and says that the run is lost", async () => {
  const fence = { runId, attempt: 1 };
  const zombie = await openAttempt(1);
  await zombie.addRequests([request("a"), request("b")]);
  const [a, b] = await zombie.claimRequests(2);
  await zombie.setRecord("mine", 1);
  const late = new PostgresRecords(database.pool, runId, fence);
  const before = await snapshot();
  await take(2);

  const writes = [
    () => zombie.commitRequests([commit(a!, { items: [post("1")], children: [request("child")] })]),
    () => zombie.reclaimRequests([{ ...b!, errorMessage: "late" }]),
    () => zombie.addRequests([request("c")]),
    () => zombie.claimRequests(1),
    () => late.set("mine", 2),
    () => late.set("mine", undefined),
  ];
  for (const write of writes) await expect(write()).rejects.toThrow(LostRunError);
  await zombie.close();
  expect(await snapshot()).toEqual(before);

  async function snapshot() {
    const { rows } = await database.pool.query(
      `select (select jsonb_agg(q order by id) from requests q where run_number = r.number) as requests,
        (select jsonb_agg(to_jsonb(k)) from key_value_records k where store = r.id) as records,
        count_items(r.number) as items
      from runs r where r.id = $1`,
      [runId],
    );
    return rows[0];
  }
});

it("each write of a zombie is refused, also when it is the first that hears of it", async () => {
  const open = async () => {
    const { rows } = await database.pool.query("select attempt from runs where id = $1", [runId]);
    return openAttempt(rows[0].attempt);
  };
  const first = await open();
  await first.addRequests([request("a"), request("b")]);
  await first.close();
  const writes = ["commit", "reclaim", "add", "claim", "record"];
  for (const [i, what] of writes.entries()) {
    const zombie = await open();
    const [claimed] = await zombie.claimRequests(1);
    await take(i + 2);
    const write = {
      commit: () => zombie.commitRequests([commit(claimed!, { items: [post("1")] })]),
      reclaim: () => zombie.reclaimRequests([claimed!]),
      add: () => zombie.addRequests([request("c")]),
      claim: () => zombie.claimRequests(1),
      record: () => zombie.setRecord("late", 1),
    }[what]!;
    await expect(write()).rejects.toThrow(/attempt \d does not have run/);
    expect((await readRun()).counts).toMatchObject({ total: 2, claimed: 1, handled: 0 });
    await zombie.close();
  }
});

it("an attempt of a run that is over, or is another's, cannot start", async () => {
  await expect(openAttempt(2)).rejects.toThrow(LostRunError);
  await database.pool.query("update runs set status = 'ABORTED' where id = $1", [runId]);
  await expect(openAttempt(1)).rejects.toThrow(LostRunError);
});

it("a new attempt has at once what the last one had claimed, in its old place", async () => {
  const dead = await openAttempt(1);
  await dead.addRequests([request("a"), request("b"), request("c")]);
  await dead.claimRequests(2);
  await take(2);
  const next = await openAttempt(2);
  const claimed = await next.claimRequests(3);
  expect(claimed.map(({ uniqueKey, attempt }) => [uniqueKey, attempt])).toEqual([
    ["a", 2],
    ["b", 2],
    ["c", 1],
  ]);
  await dead.close();
  await next.close();
});

it("whoever takes the run over waits for what is being written", async () => {
  const writer = await database.pool.connect();
  await writer.query("begin");
  await writer.query("select holds_run($1, 1)", [runId]);
  const order: string[] = [];
  const taken = take(2).then(() => order.push("taken"));
  await sleep(200);
  order.push("written");
  await writer.query("commit");
  writer.release();
  await taken;
  expect(order).toEqual(["written", "taken"]);
});

it("a crawl whose run is taken over ends soon, and the next attempt does the rest", async () => {
  const asked: string[] = [];
  const origin = await startServer((incoming, response) => {
    asked.push(incoming.url!);
    setTimeout(() => response.end("{}"), 50);
  });
  const actor = pagesActor(origin);
  const zombie = runOnDatabase(actor, await attemptOptions(1, 200));
  while (asked.length < 20) await sleep(20);
  await take(2);
  const takenAt = Date.now();
  await expect(zombie).rejects.toThrow(LostRunError);
  expect(Date.now() - takenAt).toBeLessThan(5_000);
  const { summary } = await runOnDatabase(actor, await attemptOptions(2, 200));
  expect(summary).toMatchObject({ requestsFinished: 200, items: { reddit_posts: 200 } });
});

it("a signal ends it gracefully: what is in flight is stored, the rest is free, the next attempt does it", async () => {
  const stop = new AbortController();
  let asked = 0;
  const origin = await startServer((_, response) => {
    if (++asked === 20) stop.abort("aborted on request");
    setTimeout(() => response.end("{}"), 100);
  });
  const actor = pagesActor(origin);
  const first = await runOnDatabase(actor, { ...(await attemptOptions(1, 100)), signal: stop.signal });
  expect(first.exitCode).toBe(0);
  expect(first.summary).toMatchObject({
    status: "ABORTED",
    statusMessage: expect.stringContaining("aborted on request"),
  });
  expect((await readRun()).counts).toMatchObject({ claimed: 0, handled: asked, pending: 100 - asked });
  await take(2);
  const second = await runOnDatabase(actor, await attemptOptions(2, 100));
  expect(second.summary).toMatchObject({ status: "SUCCEEDED", requestsFinished: 100 });
  expect(asked).toBe(100);
});

it("ends at the number of items that its launch allows", async () => {
  const origin = await startServer((_, response) => setTimeout(() => response.end("{}"), 20));
  const { summary } = await runOnDatabase(pagesActor(origin), {
    ...(await attemptOptions(1, 100)),
    maxItems: 10,
  });
  expect(summary).toMatchObject({ status: "ABORTED", statusMessage: "the limit of 10 items is reached" });
  expect(summary!.items["reddit_posts"]).toBeLessThan(20);
});

it("a request that does not end within 20 s of the signal is given back as it was", async () => {
  const stop = new AbortController();
  const origin = await startServer(() => setTimeout(() => stop.abort(), 100));
  const startedAt = Date.now();
  const { exitCode, summary } = await runOnDatabase(pagesActor(origin), {
    ...(await attemptOptions(1, 1)),
    signal: stop.signal,
  });
  expect(exitCode).toBe(0);
  expect(summary).toMatchObject({ status: "ABORTED", requestsPending: 1 });
  expect(Date.now() - startedAt).toBeLessThan(28_000);
  const { rows } = await database.pool.query(
    "select state, error_messages from requests join runs on number = run_number where runs.id = $1",
    [runId],
  );
  expect(rows).toEqual([{ state: "pending", error_messages: [] }]);
}, 40_000);
