import { ApifyClient } from "apify-client";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type SandboxWorld, startSandboxWorld } from "../../shared/cli/sandbox-process.ts";
import { readConfig } from "../../shared/config.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { startWorker, type Worker } from "../../shared/runs/worker.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer, TOKEN } from "./server-test-server.ts";

// The official client, a server, a worker, and subreddits of the stand-in world.

let world: SandboxWorld;
let cluster: TestCluster;
let database: Database;
let server: TestServer;
let worker: Worker;
let client: ApifyClient;
let names: string[];

beforeAll(async () => {
  world = await startSandboxWorld({ port: 0, seed: 7, subreddits: 60, users: 600, postsPerSubreddit: 80 });
  cluster = await startCluster();
  const { databaseUrl } = await cluster.createMigratedConfig();
  const config = readConfig({ DATABASE_URL: databaseUrl!, ...world.env }, "no .env file");
  const log = pino({ level: "silent" });
  database = await openDatabase(config, { applicationName: "tests", max: 10, log });
  server = await startTestServer(database);
  const { runs } = server;
  worker = await startWorker({ database, runs, config, log, name: "w1", slots: 2, classes: ["http"] });
  client = new ApifyClient({ baseUrl: server.url, token: TOKEN });
  const truth = await fetch(`${world.url}/_sandbox/truth?count=14`);
  ({ names } = (await truth.json()) as { names: string[] });
});

afterAll(async () => {
  worker.kill();
  await server.close();
  await database.close();
  await cluster.stop();
  await world.leave();
});

it("call() returns when the run has ended, with its log printed and its items there", async () => {
  const printed = vi.spyOn(console, "log").mockImplementation(() => undefined);
  const run = await client.actor("reddit").call({ subreddits: names.slice(0, 2) });
  const log = printed.mock.calls.join("\n");
  printed.mockRestore();

  expect(run).toMatchObject({ status: "SUCCEEDED", exitCode: 0, attempt: 1, worker: "w1" });
  expect(log).toMatch(/Z INFO {2}.*attempt 1/);
  expect(await client.log(run.id).get()).toMatch(/^(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z |\s)/);

  const posts = await client
    .dataset(run.defaultDatasetId)
    .listItems({ fields: ["reddit_id", "subreddit_name"] });
  expect(posts.items.length).toBeGreaterThan(20);
  expect(posts.total).toBe(posts.items.length);
  expect(new Set(posts.items.map((post) => post["subreddit_name"]))).toEqual(new Set(names.slice(0, 2)));
  const csv = (await client.dataset(run.defaultDatasetId).downloadItems("csv" as never)).toString();
  expect(csv.split("\r\n")[0]).toContain("reddit_id");

  const output = await client.run(run.id).keyValueStore().getRecord("OUTPUT");
  expect(output!.value).toMatchObject({ status: "SUCCEEDED", items: { reddit_posts: posts.total } });
  const queue = (await client.run(run.id).requestQueue().get())!;
  expect(queue).toMatchObject({ pendingRequestCount: 0, handledRequestCount: queue.totalRequestCount });
  expect((await client.run(run.id).get())!.stats.memMaxBytes).toBeGreaterThan(0);
});

it("a run that is aborted gracefully and resurrected goes on where it stopped", async () => {
  const { id } = await client.actor("reddit").start({ subreddits: names, discover: true });
  const handled = async () => (await client.run(id).requestQueue().get())!.handledRequestCount;
  await vi.waitFor(async () => expect(await handled()).toBeGreaterThan(2), { timeout: 30_000, interval: 50 });
  await client.run(id).abort({ gracefully: true });
  expect(await client.run(id).waitForFinish()).toMatchObject({ status: "ABORTED" });
  const before = (await client.run(id).requestQueue().get())!;
  expect(before.pendingRequestCount).toBeGreaterThan(0);

  expect(await client.run(id).resurrect()).toMatchObject({ stats: { resurrectCount: 1 } });
  expect(await client.run(id).waitForFinish()).toMatchObject({ status: "SUCCEEDED", attempt: 2 });
  const after = (await client.run(id).requestQueue().get())!;
  expect(after.pendingRequestCount).toBe(0);
  expect(after.handledRequestCount).toBeGreaterThanOrEqual(before.handledRequestCount);
  const log = (await client.log(id).get())!;
  expect(log).toContain("attempt 1");
  expect(log).toContain("attempt 2");
});
