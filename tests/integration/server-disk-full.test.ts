import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { pino } from "pino";
import { runActor } from "../../shared/crawl/run-actor.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { migrate } from "../../shared/db/migrate.ts";
import { startTestServer, type TestServer } from "./server-test-server.ts";
import { pagesActor, startServer, testConfig } from "./test-site.ts";

const DISK_BYTES = 300 * 1024 * 1024;

let disk: string;
let isMounted = false;
let database: Database | undefined;
let server: TestServer | undefined;
beforeAll(async () => {
  disk = mkdtempSync(path.join(os.tmpdir(), "b9-database-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES},mode=755`, "tmpfs", disk], {
      stdio: "pipe",
    });
    isMounted = true;
  } catch {
    // Only root may mount; then there is no small disk to fill.
    return;
  }
  chmodSync(disk, 0o755);
  const config = await testConfig({ DATABASE_DIR: disk, LOG_LEVEL: "silent" });
  database = await openDatabase(config, { applicationName: "tests" });
  await migrate(database.pool);
  server = await startTestServer(database);
});
afterAll(async () => {
  await server?.close();
  await database?.close();
  if (isMounted) execFileSync("umount", ["--lazy", disk]);
  rmSync(disk, { recursive: true });
});

/** Fills the disk; returns what makes room again. */
function fill(leave: number): () => void {
  const ballast = path.join(disk, "ballast");
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leave)));
  return () => rmSync(ballast);
}

it("answers 503 while the database's disk is full, and goes on by itself when there is room", async ({
  skip,
}) => {
  skip(!isMounted, "a small disk can only be mounted by root");
  const { id } = await server!.runs.launch({
    actor: "reddit",
    origin: "API",
    input: { subreddits: ["node"] },
  });
  const put = async () => {
    const record = `/v2/key-value-stores/${id}/records/big-${randomBytes(4).toString("hex")}`;
    return (await server!.request(record, { method: "PUT", body: randomBytes(2_000_000) })).status;
  };
  expect(await put()).toBe(201);
  const makeRoom = fill(1_000_000);
  const refused = new Set<number>();
  for (let n = 0; n < 20; n++) refused.add(await put());
  refused.delete(201);
  expect([...refused]).toEqual([503]);
  const response = await server!.request("/v2/acts/reddit/runs", {
    method: "POST",
    body: JSON.stringify({ subreddits: ["node"] }),
  });
  expect([201, 503]).toContain(response.status);
  expect((await fetch(`${server!.url}/health`)).status).toBe(200);
  makeRoom();
  await expect.poll(put, { timeout: 30_000, interval: 500 }).toBe(201);
});

it("a database server that a full disk has ended is started again when there is room", async ({ skip }) => {
  skip(!isMounted, "a small disk can only be mounted by root");
  const ask = async () => (await server!.request("/v2/actor-runs?limit=1")).status;
  expect(await ask()).toBe(200);
  const makeRoom = fill(0);
  // Its own log of changes has no room either: the server ends by itself.
  const message = randomBytes(4_000_000).toString("hex");
  const grow = () =>
    database!.pool.query("select pg_logical_emit_message(false, 'test', $1)", [message]).then(
      () => "has room",
      (error: Error) => error.message,
    );
  await expect.poll(grow, { timeout: 20_000, interval: 50 }).not.toBe("has room");
  await expect.poll(ask, { timeout: 20_000, interval: 50 }).toBe(503);
  makeRoom();
  await expect.poll(ask, { timeout: 40_000, interval: 500 }).toBe(200);
}, 90_000);

it("a crawl waits for room, and loses nothing", async ({ skip }) => {
  skip(!isMounted, "a small disk can only be mounted by root");
  const text = randomBytes(20_000).toString("hex");
  const origin = await startServer((_, response) => response.end("{}"));
  const actor = pagesActor(origin, {
    handle: async ({ request, pushData }) => {
      await pushData(
        { reddit_id: new URL(request.url).pathname, text: Math.random() + text },
        "reddit_posts",
      );
    },
  });
  const makeRoom = fill(1_000_000);
  let isOver = false;
  const config = await testConfig({ DATABASE_DIR: disk });
  const running = runActor(actor, {
    config,
    log: pino({ level: "silent" }),
    input: { pages: 400 },
    database: {},
  }).finally(() => (isOver = true));
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  expect(isOver).toBe(false);
  makeRoom();
  const { summary } = await running;
  expect(summary).toMatchObject({ status: "SUCCEEDED", requestsFinished: 400, items: { reddit_posts: 400 } });
});
