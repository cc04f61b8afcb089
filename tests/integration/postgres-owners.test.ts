import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { openPostgresRunStorage } from "../../shared/crawl/postgres/postgres-run-storage.ts";
import type { RunStorage } from "../../shared/crawl/run-storage.ts";
import type { Database } from "../../shared/db/database.ts";
import { commit, post, request } from "../contract/run-storage-samples.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";

const LEASE_SECS = 1;

let cluster: TestCluster;
let database: Database;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
});
afterAll(() => cluster.stop());

let runs = 0;
let runId: string;
let open: RunStorage[];
beforeEach(async () => {
  runId = `run${++runs}`;
  open = [];
  await database.pool.query("select open_run($1, 'reddit', '{}')", [runId]);
});
afterEach(() => Promise.all(open.map((storage) => storage.close())));

async function openOwner(): Promise<RunStorage> {
  const storage = await openPostgresRunStorage({ database, runId, leaseSecs: LEASE_SECS });
  open.push(storage);
  return storage;
}

/** A process that has claimed `limit` requests and then lost its way to the database, or died. */
async function claimAndDie(limit: number) {
  const pool = new Pool(database.pool.options);
  const storage = await openPostgresRunStorage({ database: { pool }, runId, leaseSecs: LEASE_SECS });
  const claimed = await storage.claimRequests(limit);
  await pool.end();
  return claimed;
}

const keys = (requests: readonly { uniqueKey: string }[]) => requests.map(({ uniqueKey }) => uniqueKey);

it("what a dead owner had comes back in its place when its lease is over, with a new attempt", async () => {
  const storage = await openOwner();
  await storage.addRequests(["a", "b", "c", "d"].map((key) => request(key)));
  expect(keys(await claimAndDie(2))).toEqual(["a", "b"]);
  expect(await storage.isFinished()).toBe(false);
  expect(keys(await storage.claimRequests(1))).toEqual(["c"]);

  await sleep(LEASE_SECS * 1000 + 100);
  expect(await storage.counts()).toMatchObject({ pending: 3, claimed: 1 });
  const again = await storage.claimRequests(5);
  expect(again.map(({ uniqueKey, attempt }) => [uniqueKey, attempt])).toEqual([
    ["a", 2],
    ["b", 2],
    ["d", 1],
  ]);
});

it("a lease is renewed for as long as its owner lives", async () => {
  const [one, two] = [await openOwner(), await openOwner()];
  await one.addRequests([request("a")]);
  const [claimed] = await one.claimRequests(1);
  await sleep(LEASE_SECS * 2_500);
  expect(await two.claimRequests(1)).toEqual([]);
  expect(await two.isFinished()).toBe(false);
  expect(await one.commitRequests([commit(claimed!)])).toEqual(["done"]);
  expect(await two.isFinished()).toBe(true);
});

it("a commit that comes after the lease is over counts when nobody has claimed the request since", async () => {
  const storage = await openOwner();
  await storage.addRequests([request("a")]);
  const [claimed] = await storage.claimRequests(1);
  await database.pool.query("update requests set lease_expires_at = now() - interval '1 s'");
  expect(await storage.commitRequests([commit(claimed!)])).toEqual(["done"]);
});

it("a zombie's commit is lost, whole", async () => {
  const [zombie, other] = [await openOwner(), await openOwner()];
  await zombie.addRequests([request("a"), request("b")]);
  const [a, b] = await zombie.claimRequests(2);
  await database.pool.query(
    "update requests set lease_expires_at = now() - interval '1 s' where unique_key = 'a'",
  );
  const [again] = await other.claimRequests(1);
  const effects = { items: [post("1")], children: [request("child")] };
  expect(await zombie.commitRequests([commit(a!, effects), commit(b!)])).toEqual(["lost", "done"]);
  expect(await zombie.itemCounts()).toEqual({});
  expect(await other.commitRequests([commit(again!)])).toEqual(["done"]);
  expect(await zombie.commitRequests([commit(a!, effects)])).toEqual(["lost"]);
  expect(await other.counts()).toMatchObject({ total: 2, handled: 2 });
});

it("a zombie gives nothing back", async () => {
  const [zombie, other] = [await openOwner(), await openOwner()];
  await zombie.addRequests([request("a")]);
  const [claimed] = await zombie.claimRequests(1);
  await database.pool.query("update requests set lease_expires_at = now() - interval '1 s'");
  await other.claimRequests(1);
  await zombie.reclaimRequests([{ ...claimed!, errorMessage: "late" }]);
  await zombie.close();
  expect(await other.counts()).toMatchObject({ claimed: 1, pending: 0 });
});

it("the end of one owner gives back what it has, and nothing of the others", async () => {
  const [one, two] = [await openOwner(), await openOwner()];
  await one.addRequests([request("a"), request("b")]);
  await one.claimRequests(1);
  await two.claimRequests(1);
  await one.close();
  expect(await two.counts()).toMatchObject({ claimed: 1, pending: 1 });
});

it("items of one owner can be asked for by another", async () => {
  const [one, two] = [await openOwner(), await openOwner()];
  await one.addRequests([request("a")]);
  const items = [{ dataset: "reddit_users", key: "ann", item: { username: "Ann" } }];
  await one.commitRequests([commit((await one.claimRequests(1))[0]!, { items })]);
  expect(await two.getItems("reddit_users", ["ann"])).toEqual([{ username: "Ann" }]);
});
