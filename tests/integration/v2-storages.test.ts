import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { PostgresRecords } from "../../shared/crawl/postgres/postgres-records.ts";
import type { Database } from "../../shared/db/database.ts";
import {
  type Dataset,
  deleteDataset,
  findDataset,
  listDatasets,
  pushItems as pushItemsJson,
  readFieldStatistics,
  toItemsJson,
} from "../../shared/runs/storages/datasets.ts";
import { type ItemRange, openWindow, readItemPages } from "../../shared/runs/storages/read-items.ts";
import { findRecord, listKeys, readRecordParts, summarizeStore } from "../../shared/runs/storages/records.ts";
import {
  countQueue,
  findRequest,
  listRequests,
  readQueueHead,
} from "../../shared/runs/storages/request-queue.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";

/** As the route does, which has the JSON made elsewhere. */
const pushItems = async (pool: Database["pool"], to: Dataset, items: readonly unknown[]) =>
  pushItemsJson(pool, to, toItemsJson(to.name, items));

let cluster: TestCluster;
let database: Database;
let runNumber: number;
let runId = "";

beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
});
afterAll(() => cluster.stop());

beforeEach(async () => {
  runId = `run-${randomBytes(4).toString("hex")}`;
  runNumber = await openRun(runId);
});

async function openRun(id: string): Promise<number> {
  const { rows } = await database.pool.query<{ number: number }>(
    "select open_run($1, 'reddit', '{}') as number",
    [id],
  );
  return rows[0]!.number;
}

const dataset = async (name = "reddit_posts") => (await findDataset(database.pool, runId, name))!;
const comment = (n: number) => ({ reddit_id: `t1_${n}`, "#debug": n });

async function pushComments(count: number): Promise<void> {
  const items = Array.from({ length: count }, (_, n) => comment(n));
  await pushItems(database.pool, await dataset("reddit_comments"), items);
}

async function readIds(range: Partial<ItemRange>): Promise<string[]> {
  const found = await dataset("reddit_comments");
  const window = await openWindow(database.pool, found, { offset: 0, limit: null, desc: false, ...range });
  const pages = await Array.fromAsync(readItemPages(database.pool, window));
  return pages.flat().map((item) => String(item["reddit_id"]).slice(3));
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => String(from + n));

describe("items", () => {
  it("are read in the order of their push, any part of them, forwards and backwards", async () => {
    await pushComments(450);
    expect(await readIds({})).toEqual(numbers(0, 450));
    expect(await readIds({ desc: true })).toEqual(numbers(0, 450).toReversed());
    expect(await readIds({ offset: 10, limit: 400 })).toEqual(numbers(10, 410));
    expect(await readIds({ offset: 449, limit: 400 })).toEqual(["449"]);
    expect(await readIds({ offset: 3, limit: 2, desc: true })).toEqual(["446", "445"]);
    for (const range of [{ offset: 450 }, { limit: 0 }, { offset: 1e9, desc: true }])
      expect(await readIds(range)).toEqual([]);
  });

  it("that are pushed while they are read are not among them", async () => {
    await pushComments(3);
    const found = await dataset("reddit_comments");
    const window = await openWindow(database.pool, found, { offset: 0, limit: null, desc: false });
    await pushItems(database.pool, found, [comment(3)]);
    expect((await Array.fromAsync(readItemPages(database.pool, window))).flat()).toHaveLength(3);
  });

  it("that are removed while they are read end in an error, not too early", async () => {
    await pushComments(250);
    const found = await dataset("reddit_comments");
    const window = await openWindow(database.pool, found, { offset: 0, limit: null, desc: false });
    const pages = readItemPages(database.pool, window);
    await pages.next();
    await deleteDataset(database.pool, found);
    await expect(pages.next()).rejects.toThrow("removed while they were read");
  });

  it("of other runs and datasets are not read", async () => {
    await pushComments(2);
    await pushItems(database.pool, await dataset("reddit_discoveries"), [{ name: "a", seen_in: "b" }]);
    const first = runId;
    runId = `${first}x`;
    await openRun(runId);
    expect(await readIds({})).toEqual([]);
    runId = first;
    expect(await readIds({})).toEqual(["0", "1"]);
  });
});

describe("push", () => {
  it("merges by key, counts keys once and brings items into their table", async () => {
    const subreddits = await dataset("reddit_subreddits");
    await pushItems(database.pool, subreddits, [
      { name: "Node", observed_at: "2026-01-01T00:00:00Z", subscribers: 5 },
      { name: "node", observed_at: "2026-01-02T00:00:00Z", title: "\u0000x" },
    ]);
    const { itemCount, stored } = await dataset("reddit_subreddits");
    expect([itemCount, stored]).toEqual([1, { id: expect.any(Number), day: expect.any(String) }]);
    const { rows } = await database.pool.query("select from reddit_subreddits where lower(name) = 'node'");
    expect(rows).toHaveLength(1);
  });

  it("stores nothing when one item is wrong, and names it", async () => {
    const posts = await dataset();
    await expect(pushItems(database.pool, posts, [{ reddit_id: "a" }, { title: "no id" }])).rejects.toThrow(
      "items[1]: item of reddit_posts without its key",
    );
    await expect(pushItems(database.pool, posts, ["text"])).rejects.toThrow(
      'items[0]: expected an object, got "text"',
    );
    expect((await dataset()).itemCount).toBe(0);
  });
});

describe("datasets", () => {
  it("of a run are found before anything was pushed, of no run they are not", async () => {
    const found = await dataset();
    expect(found).toMatchObject({ runId, actor: "reddit", name: "reddit_posts", stored: null, itemCount: 0 });
    expect(found.createdAt).toBeInstanceOf(Date);
    expect(await findDataset(database.pool, "no-run", "reddit_posts")).toBeUndefined();
  });

  it("are listed by their creation with a total that is right", async () => {
    await pushComments(2);
    await pushItems(database.pool, await dataset("reddit_discoveries"), [{ name: "a", seen_in: "b" }]);
    const names = ({ items }: { items: Dataset[] }) =>
      items.map((found) => [found.runId, found.name, found.itemCount]);
    const newest = await listDatasets(database.pool, { limit: 2, offset: 0, desc: true });
    expect(names(newest)).toEqual([
      [runId, "reddit_discoveries", 1],
      [runId, "reddit_comments", 2],
    ]);
    const last = await listDatasets(database.pool, { limit: 5, offset: newest.total - 1, desc: false });
    expect(names(last)).toEqual([[runId, "reddit_discoveries", 1]]);
  });

  it("that are deleted leave nothing behind, and others alone", async () => {
    await pushComments(2);
    await pushItems(database.pool, await dataset("reddit_discoveries"), [{ name: "a", seen_in: "b" }]);
    await deleteDataset(database.pool, await dataset("reddit_comments"));
    expect(await dataset("reddit_comments")).toMatchObject({ stored: null, itemCount: 0 });
    expect((await dataset("reddit_discoveries")).itemCount).toBe(1);
    await deleteDataset(database.pool, await dataset("reddit_comments"));
  });

  it("know the statistics of their fields", async () => {
    await pushItems(database.pool, await dataset("reddit_comments"), [
      { reddit_id: "a", score: 3, body: "", tags: [] },
      { reddit_id: "b", score: -1.5, body: null, tags: [1] },
    ]);
    expect(await readFieldStatistics(database.pool, await dataset("reddit_comments"))).toEqual({
      body: { min: null, max: null, nullCount: 1, emptyCount: 1 },
      reddit_id: { min: null, max: null, nullCount: 0, emptyCount: 0 },
      score: { min: -1.5, max: 3, nullCount: 0, emptyCount: 0 },
      tags: { min: null, max: null, nullCount: 0, emptyCount: 1 },
    });
    expect(await readFieldStatistics(database.pool, await dataset())).toEqual({});
  });
});

describe("records", () => {
  const write = (key: string, value: Buffer, contentType = "image/png") =>
    new PostgresRecords(database.pool, runId).write(key, { contentType, value });

  async function read(key: string): Promise<Buffer> {
    const head = (await findRecord(database.pool, runId, key))!;
    return Buffer.concat(await Array.fromAsync(readRecordParts(database.pool, runId, key, head)));
  }

  it("of any bytes are read as they were written, in parts", async () => {
    for (const size of [0, 1, 1024 * 1024, 2 * 1024 * 1024 + 7]) {
      const value = randomBytes(size);
      await write("some.key", value);
      expect(await findRecord(database.pool, runId, "some.key")).toMatchObject({
        contentType: "image/png",
        size,
      });
      expect((await read("some.key")).equals(value)).toBe(true);
    }
    expect(await findRecord(database.pool, runId, "other")).toBeUndefined();
  });

  it("that are written while they are read end in an error, not in a mixture", async () => {
    await write("big", randomBytes(3 * 1024 * 1024));
    const parts = readRecordParts(
      database.pool,
      runId,
      "big",
      (await findRecord(database.pool, runId, "big"))!,
    );
    await parts.next();
    await write("big", randomBytes(3 * 1024 * 1024));
    await expect(parts.next()).rejects.toThrow("record big of");
  });

  it("have their keys listed by their bytes, with a prefix, from any key on", async () => {
    for (const key of ["b", "a", "B", "a-1", "a.b", "_", "ab"]) await write(key, Buffer.from("xyz"));
    const list = async (page: Partial<Parameters<typeof listKeys>[2]>) => {
      const options = { limit: 1000, exclusiveStartKey: null, prefix: "", ...page };
      const { items, isTruncated } = await listKeys(database.pool, runId, options);
      return [items.map(({ key }) => key), isTruncated];
    };
    expect(await list({})).toEqual([["B", "_", "a", "a-1", "a.b", "ab", "b"], false]);
    expect(await list({ limit: 3 })).toEqual([["B", "_", "a"], true]);
    expect(await list({ limit: 4, exclusiveStartKey: "a" })).toEqual([["a-1", "a.b", "ab", "b"], false]);
    expect(await list({ prefix: "a", exclusiveStartKey: "a-1" })).toEqual([["a.b", "ab"], false]);
    expect(await list({ prefix: "%" })).toEqual([[], false]);
    expect(await summarizeStore(database.pool, runId)).toEqual({
      records: 7,
      sizeBytes: 21,
      modifiedAt: expect.any(Date),
    });
  });
});

describe("request queue", () => {
  const request = (n: number) => ({
    url: `https://site.test/${n}`,
    uniqueKey: `key ${n}`,
    label: "PAGE",
    userData: { n },
    priority: n % 2,
  });
  const add = (count: number) =>
    database.pool.query("select add_requests($1, $2)", [
      runNumber,
      JSON.stringify(Array.from({ length: count }, (_, n) => request(n))),
    ]);
  const claim = (max: number) =>
    database.pool.query("select claim_requests($1, 'me', $2, 30)", [runNumber, max]);

  it("shows at its head what is handed out next", async () => {
    await add(4);
    await claim(1);
    const head = await readQueueHead(database.pool, runNumber, 2);
    expect(head.map(({ userData }) => userData["n"])).toEqual([3, 0]);
    expect(await countQueue(database.pool, runNumber)).toMatchObject({ total: 4, claimed: 1, pending: 3 });
  });

  it("lists every request once, a page at a time, by state", async () => {
    await add(25);
    await claim(3);
    const seen: string[] = [];
    for (let afterId: string | null = null; ;) {
      const page = await listRequests(database.pool, runNumber, { limit: 10, afterId, states: null });
      seen.push(...page.items.map(({ uniqueKey }) => uniqueKey));
      if (!page.isTruncated) break;
      afterId = page.items.at(-1)!.id;
    }
    expect(seen.toSorted()).toEqual(Array.from({ length: 25 }, (_, n) => `key ${n}`).toSorted());
    const list = async (states: ("locked" | "pending")[]) =>
      (await listRequests(database.pool, runNumber, { limit: 100, afterId: null, states })).items.length;
    expect([await list(["locked"]), await list(["pending"]), await list(["locked", "pending"])]).toEqual([
      3, 25, 25,
    ]);
  });

  it("finds one request", async () => {
    await add(1);
    const [head] = await readQueueHead(database.pool, runNumber, 1);
    expect(await findRequest(database.pool, runNumber, head!.id)).toEqual(head);
    expect(head).toMatchObject({ url: "https://site.test/0", label: "PAGE", state: "pending", attempt: 0 });
    expect(await findRequest(database.pool, runNumber, "unknown")).toBeUndefined();
  });
});
