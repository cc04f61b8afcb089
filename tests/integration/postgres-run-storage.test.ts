import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PostgresRecords } from "../../shared/crawl/postgres/postgres-records.ts";
import { openPostgresRunStorage } from "../../shared/crawl/postgres/postgres-run-storage.ts";
import type { RunStorage } from "../../shared/crawl/run-storage.ts";
import type { Database } from "../../shared/db/database.ts";
import { runStorageContract } from "../contract/run-storage-contract.ts";
import { commit, post, request, user } from "../contract/run-storage-samples.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";

let cluster: TestCluster;
let database: Database;
let runs = 0;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
});
afterAll(() => cluster.stop());

let runId: string;
async function openNew(): Promise<RunStorage> {
  runId = `run${++runs}`;
  await database.pool.query("select open_run($1, 'reddit', '{}')", [runId]);
  return openPostgresRunStorage({ database, runId });
}

runStorageContract("Postgres", {
  open: openNew,
  async reopen(storage) {
    await storage.close();
    return openPostgresRunStorage({ database, runId });
  },
});

describe("openPostgresRunStorage", () => {
  it("refuses a run that is not there", async () => {
    await expect(openPostgresRunStorage({ database, runId: "nobody's" })).rejects.toThrow(/run "nobody's"/);
  });
});

describe("what Postgres cannot store", () => {
  it("is replaced in the item, and costs no neighbour", async () => {
    await using storage = disposable(await openNew());
    await storage.addRequests([request("a\0", { userData: { text: "\uD800" } })]);
    const [claimed] = await storage.claimRequests(1);
    expect(claimed).toMatchObject({ uniqueKey: "a\uFFFD", userData: { text: "\uFFFD" } });
    await storage.reclaimRequests([{ ...claimed!, errorMessage: "what is \0?" }]);
    const [again] = await storage.claimRequests(1);
    expect(again).toMatchObject({ errorMessages: ["what is \uFFFD?"] });

    const items = [user("Ann", { bio: "no\0ne \uDE00" }), user("Bob\uD800"), user("Carl")];
    expect(await storage.commitRequests([commit(again!, { items })])).toEqual(["done"]);
    expect(await storage.getItems("reddit_users", ["ann", "bob\uFFFD", "carl"])).toEqual([
      { username: "Ann", bio: "no\uFFFDne \uFFFD" },
      { username: "Bob\uFFFD" },
      { username: "Carl" },
    ]);
  });

  it("as a row of a table goes to failed_items, and its neighbours into the table", async () => {
    await using storage = disposable(await openNew());
    await storage.addRequests([request("a")]);
    const [claimed] = await storage.claimRequests(1);
    const fields = { observed_at: "2026-01-01T00:00:00Z", subreddit_name: "node" };
    const items = ["p1", "p2", "p3", "p4", "p5"].map((key) => post(key, { ...fields, score: 1 }));
    items[2] = post("p3", { ...fields, score: "many" });
    expect(await storage.commitRequests([commit(claimed!, { items })])).toEqual(["done"]);

    const { rows } = await database.pool.query(
      "select reddit_id from reddit_posts where last_run_id = $1 order by 1",
      [runId],
    );
    expect(rows.map((row) => row.reddit_id)).toEqual(["p1", "p2", "p4", "p5"]);
    const failed = await database.pool.query("select key, reason from failed_items where run_id = $1", [
      runId,
    ]);
    expect(failed.rows).toEqual([{ key: "p3", reason: expect.stringContaining("many") }]);
  });
});

describe("PostgresRecords", () => {
  it("gives back any bytes as they were, with their type", async () => {
    const records = new PostgresRecords(database.pool, "some actor");
    const value = randomBytes(3_000_000);
    await records.write("picture.png", { contentType: "image/png", value });
    const read = await records.read("picture.png");
    expect(read?.contentType).toBe("image/png");
    expect(read?.value.equals(value)).toBe(true);
    await records.write("picture.png", null);
    expect(await records.read("picture.png")).toBeUndefined();
  });

  it("keeps the records of two stores apart", async () => {
    const [one, two] = ["one", "two"].map((store) => new PostgresRecords(database.pool, store));
    await one!.set("KEY", 1);
    await two!.set("KEY", 2);
    expect([await one!.get("KEY"), await two!.get("KEY")]).toEqual([1, 2]);
  });

  it("refuses more than 100 MB, saying so", () => {
    const records = new PostgresRecords(database.pool, "one");
    const value = Buffer.alloc(100 * 1024 * 1024 + 1);
    expect(() => records.write("KEY", { contentType: "video/mp4", value })).toThrow(
      /KEY: expected at most 100 MB/,
    );
  });
});

function disposable(storage: RunStorage): RunStorage & AsyncDisposable {
  return Object.assign(storage, { [Symbol.asyncDispose]: () => storage.close() });
}
