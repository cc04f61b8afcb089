import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import type { Config } from "../../shared/config.ts";
import { openPostgresRunStorage } from "../../shared/crawl/postgres/postgres-run-storage.ts";
import { readRunItems } from "../../shared/crawl/postgres/read-run-items.ts";
import { joinRun, leaveRun, newRunId } from "../../shared/crawl/postgres/runs.ts";
import { runActor } from "../../shared/crawl/run-actor.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { request } from "../contract/run-storage-samples.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { items, pagesActor, startServer, testConfig } from "./test-site.ts";

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

const configFor = (env: Record<string, string> = {}): Promise<Config> =>
  testConfig({ DATABASE_URL: databaseUrl, ...env });

async function readRun(runId: string) {
  const { rows } = await database.pool.query(
    `select actor, status, status_message, input, started_at is not null as started,
      finished_at is not null as finished
    from runs where id = $1`,
    [runId],
  );
  return rows[0];
}

it("keeps a run with its input, its end, its summary and the items of a local crawl", async () => {
  const origin = await startServer((_, response) => response.end("{}"));
  const config = await configFor();
  const actor = pagesActor(origin);
  const local = await runActor(actor, { config, log, input: { pages: 30 } });
  const { exitCode, summary } = await runActor(actor, { config, log, input: { pages: 30 }, database: {} });

  expect(exitCode).toBe(0);
  expect(summary).toMatchObject({
    status: "SUCCEEDED",
    requestsFinished: 30,
    items: local.summary!.items,
    budgets: [{ sent: 30 }],
  });
  const runId = summary!.runId!;
  expect(await readRun(runId)).toEqual({
    actor: "pages",
    status: "SUCCEEDED",
    status_message: "all requests are done",
    input: { pages: 30 },
    started: true,
    finished: true,
  });
  const storage = await openPostgresRunStorage({ database, runId });
  expect(await storage.getRecord("OUTPUT")).toMatchObject({ status: "SUCCEEDED", runId });
  await storage.close();
  const stored = await Array.fromAsync(readRunItems(database.pool, runId, "reddit_posts"));
  const ids = (found: Record<string, unknown>[]) => found.map((item) => item["reddit_id"]).sort();
  expect(ids(stored)).toEqual(ids(await items(config, "reddit_posts")));
});

it("shares a run among processes that are given its id: every page is asked once", async () => {
  const asked: string[] = [];
  const origin = await startServer((incoming, response) => {
    asked.push(incoming.url!);
    setTimeout(() => response.end("{}"), 20);
  });
  const config = await configFor({ MAX_CONCURRENCY: "4" });
  const actor = pagesActor(origin);
  const [runId, input] = [newRunId(), { pages: 200 }];
  const results = await Promise.all(
    [1, 2, 3].map(() => runActor(actor, { config, log, input, database: { runId } })),
  );
  for (const { exitCode, summary } of results) {
    expect(exitCode).toBe(0);
    expect(summary).toMatchObject({ status: "SUCCEEDED", requestsFinished: 200, runId });
    expect(summary!.requestsSent).toBeGreaterThan(10);
  }
  expect(asked).toHaveLength(200);
  expect(new Set(asked).size).toBe(200);

  const late = await runActor(actor, { config, log, database: { runId } });
  expect(late.summary).toMatchObject({ status: "SUCCEEDED", requestsSent: 0, items: { reddit_posts: 200 } });
});

it("goes on with a run that failed, and the run is over when nothing is left", async () => {
  let isBlocked = true;
  const origin = await startServer((_, response) => {
    if (isBlocked) response.writeHead(403, { "content-type": "text/html" }).end("<title>Blocked</title>");
    else response.end("{}");
  });
  const config = await configFor({ MAX_STALL_SECS: "1" });
  const actor = pagesActor(origin);
  const runId = newRunId();
  const first = await runActor(actor, { config, log, input: { pages: 5 }, database: { runId } });
  expect(first.exitCode).toBe(1);
  expect(await readRun(runId)).toMatchObject({ status: "FAILED", finished: true });
  isBlocked = false;
  const second = await runActor(actor, { config, log, database: { runId } });
  expect(second.summary).toMatchObject({ status: "SUCCEEDED", requestsFinished: 5 });
  expect(await readRun(runId)).toMatchObject({ status: "SUCCEEDED", finished: true });
});

it("leaves a run whose requests are of another shape whole, and FAILED with the reason", async () => {
  let isBlocked = true;
  const origin = await startServer((_, response) => {
    if (isBlocked) response.writeHead(403, { "content-type": "text/html" }).end("<title>Blocked</title>");
    else response.end("{}");
  });
  const config = await configFor({ MAX_STALL_SECS: "1" });
  const actor = pagesActor(origin);
  const runId = newRunId();
  await runActor(actor, { config, log, input: { pages: 300 }, database: { runId } });
  isBlocked = false;
  const queue = async () =>
    (
      await database.pool.query(
        "select q.*, request_version from requests q join runs r on r.number = run_number where r.id = $1 order by q.id",
        [runId],
      )
    ).rows;
  const before = await queue();
  expect(before[0]).toMatchObject({ request_version: 1 });

  for (const [other, reason] of [
    [
      pagesActor(origin, { userData: z.object({ page: z.int() }) }),
      /^the queue of run \w+ was .*: 300 of the 300/,
    ],
    [{ ...actor, requestVersion: 2 }, /its requests are of version 1, those of this one of version 2/],
  ] as const) {
    expect(await runActor(other, { config, log, database: { runId } })).toEqual({
      exitCode: 1,
      summary: null,
    });
    expect(await readRun(runId)).toMatchObject({
      status: "FAILED",
      status_message: expect.stringMatching(reason),
    });
    expect(await queue()).toEqual(before);
  }
  // What is left of the budget is waited for: longer than the crawl was to be blocked.
  const patient = { ...config, maxStallSecs: 60 };
  const { summary } = await runActor(actor, { config: patient, log, database: { runId } });
  expect(summary).toMatchObject({ status: "SUCCEEDED", requestsFinished: 300 });
});

it("refuses runs that are not there, are others', or have another input, and changes nothing", async () => {
  const origin = await startServer((_, response) => response.end("{}"));
  const config = await configFor();
  const actor = pagesActor(origin);
  const { pool } = database;
  await joinRun(pool, { runId: "mine", actor: "pages", input: { pages: 1 } });
  await leaveRun(pool, "mine", { status: "ABORTED", statusMessage: "stopped" });
  const refusal = (options: object) => runActor(actor, { config, log, ...options });

  expect(await refusal({ database: {} })).toEqual({ exitCode: 2, summary: null });
  expect(await refusal({ database: { runId: "new" } })).toEqual({ exitCode: 2, summary: null });
  expect(await refusal({ database: { runId: "mine" }, input: { pages: 2 } })).toMatchObject({ exitCode: 2 });
  expect(await refusal({ database: { runId: "mine" }, input: { pages: 0 } })).toMatchObject({ exitCode: 2 });
  expect(await readRun("mine")).toMatchObject({ status: "ABORTED", input: { pages: 1 } });
  await expect(joinRun(pool, { runId: "mine", actor: "reddit", input: undefined })).rejects.toThrow(
    /mine is one of actor pages/,
  );
  await pool.query("select open_run('managed', 'pages', '{}')");
  await pool.query("update runs set is_managed = true, status = 'ABORTED' where id = 'managed'");
  await expect(joinRun(pool, { runId: "managed", actor: "pages", input: undefined })).rejects.toThrow(
    /run managed is carried out by a worker/,
  );
  expect(await readRun("managed")).toMatchObject({ status: "ABORTED" });
  for (const runId of ["", "a b", "../x", "x".repeat(64), "pages"]) {
    await expect(joinRun(pool, { runId, actor: "pages", input: {} })).rejects.toThrow(/--run: expected/);
  }
});

it("ends a run with the last process that works on it, and for good when nothing is left", async () => {
  const runId = newRunId();
  const { pool } = database;
  await joinRun(pool, { runId, actor: "pages", input: {} });
  const other = await openPostgresRunStorage({ database, runId });
  await other.addRequests([request("a")]);
  await other.claimRequests(1);
  const stopped = { status: "ABORTED", statusMessage: "stopped by SIGTERM" } as const;
  await leaveRun(pool, runId, stopped);
  expect(await readRun(runId)).toMatchObject({ status: "RUNNING", finished: false });
  await other.close();
  await leaveRun(pool, runId, stopped);
  expect(await readRun(runId)).toMatchObject({ status: "ABORTED", finished: true });
  await leaveRun(pool, runId, { status: "SUCCEEDED", statusMessage: "all requests are done" });
  await leaveRun(pool, runId, stopped);
  expect(await readRun(runId)).toMatchObject({ status: "SUCCEEDED", finished: true });
});

it("waits for a database that is away, and loses nothing", async () => {
  const origin = await startServer((_, response) => setTimeout(() => response.end("{}"), 10));
  const config = await configFor({ MAX_CONCURRENCY: "4" });
  const running = runActor(pagesActor(origin), { config, log, input: { pages: 300 }, database: {} });
  await sleep(300);
  await cluster.kill();
  const { exitCode, summary } = await running;
  expect(exitCode).toBe(0);
  expect(summary).toMatchObject({ status: "SUCCEEDED", requestsFinished: 300, items: { reddit_posts: 300 } });
});
