import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Configuration, Dataset } from "@crawlee/core";
import { MemoryStorage } from "@crawlee/memory-storage";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openLocalRunStorage } from "../../../../shared/crawl/local/local-run-storage.ts";
import type { LocalRunStorage } from "../../../../shared/crawl/local/local-run-storage.ts";
import type { PushedItem } from "../../../../shared/crawl/run-storage.ts";
import { commit, failure, post, request, subreddit } from "../../../contract/run-storage-samples.ts";

let storageDir: string;
let storage: LocalRunStorage;
const open = async () => openLocalRunStorage({ storageDir, name: "crawl" });
beforeEach(async () => {
  storageDir = await mkdtemp(join(tmpdir(), "b9-datasets-"));
  storage = await open();
});
afterEach(async () => {
  await storage.close();
  await rm(storageDir, { recursive: true });
});

it("writes a file an item, in the order of first sight", async () => {
  await push([post("1", { title: "ü", absent: undefined, none: null }), post("2")], [post("3")]);
  expect(await storage.writeDatasets()).toEqual({ reddit_posts: 3 });

  expect(await readdir(join(storageDir, "datasets"))).toEqual(["reddit_posts"]);
  expect(await readFiles("reddit_posts")).toEqual({
    "000000001.json": '{\n  "reddit_id": "1",\n  "title": "ü",\n  "none": null\n}',
    "000000002.json": '{\n  "reddit_id": "2"\n}',
    "000000003.json": '{\n  "reddit_id": "3"\n}',
  });
});

it("keeps the first of two posts, lays subreddits over one another, and keeps the newest failure", async () => {
  const [fact, later] = [
    subreddit("Node", { subscribers: 5, rules: null }),
    subreddit("node", { rules: [] }),
  ];
  await push(
    [post("1", { score: 1 }), fact, failure("r", { reason: "503", preview: "…" })],
    [post("1", { score: 2 }), later, failure("r", { reason: "timeout" })],
  );
  await storage.writeDatasets();

  expect(await readItems("reddit_posts")).toEqual([{ reddit_id: "1", score: 1 }]);
  const [node] = await readItems("reddit_subreddits");
  expect(Object.entries(node as object)).toEqual([
    ["name", "node"],
    ["subscribers", 5],
    ["rules", []],
  ]);
  expect(await readItems("failed_requests")).toEqual([{ request_id: "r", reason: "timeout" }]);
});

it("keeps the first of two posts whose commits are written together, or pushed by one", async () => {
  await storage.addRequests([request("a"), request("b")]);
  const [a, b] = await storage.claimRequests(2);
  await storage.commitRequests([
    commit(a!, { items: [post("1", { score: 1 }), post("1", { score: 2 }), post("2")] }),
    commit(b!, { items: [post("2", { score: 3 }), post("3")] }),
  ]);
  expect(await storage.writeDatasets()).toEqual({ reddit_posts: 3 });
  expect(await readItems("reddit_posts")).toEqual([
    { reddit_id: "1", score: 1 },
    { reddit_id: "2" },
    { reddit_id: "3" },
  ]);
});

it("replaces what an earlier call wrote, also after a reopening", async () => {
  await push([post("1"), subreddit("node", { subscribers: 1 })]);
  await storage.writeDatasets();
  await storage.close();
  storage = await open();
  await push([post("2"), subreddit("node", { subscribers: 2 })]);
  expect(await storage.writeDatasets()).toEqual({ reddit_posts: 2, reddit_subreddits: 1 });

  expect(await readItems("reddit_posts")).toEqual([{ reddit_id: "1" }, { reddit_id: "2" }]);
  expect(await readItems("reddit_subreddits")).toEqual([{ name: "node", subscribers: 2 }]);
});

it.each(["before the old folder went", "between the two renames", "before the old folder was removed"])(
  "repairs what a call left that was killed %s",
  async (moment) => {
    await push([post("1"), post("2")]);
    const stale = async (name: string) => {
      await mkdir(join(storageDir, "datasets", name), { recursive: true });
      await writeFile(join(storageDir, "datasets", name, "000000009.json"), "{}");
    };
    if (!moment.startsWith("between")) await stale("reddit_posts");
    if (!moment.startsWith("before the old folder was")) await stale(".reddit_posts.new");
    if (!moment.startsWith("before the old folder went")) await stale(".reddit_posts.old");
    await storage.writeDatasets();

    expect(await readdir(join(storageDir, "datasets"))).toEqual(["reddit_posts"]);
    expect(await readItems("reddit_posts")).toEqual([{ reddit_id: "1" }, { reddit_id: "2" }]);
  },
);

it("writes whole datasets when called twice at once, or while commits come in", async () => {
  await push([post("1")]);
  const [, , second] = await Promise.all([
    storage.writeDatasets(),
    push([post("2")]),
    storage.writeDatasets(),
  ]);
  expect([1, 2]).toContain(second["reddit_posts"]);
  expect(await readdir(join(storageDir, "datasets"))).toEqual(["reddit_posts"]);
  expect(await storage.writeDatasets()).toEqual({ reddit_posts: 2 });
});

it("names file and line of an item that is damaged, and leaves the datasets alone", async () => {
  await push([post("1", { title: "damaged later" })]);
  await storage.writeDatasets();
  const journal = join(storageDir, "request_queues", "crawl", "journal.jsonl");
  const text = await readFile(journal, "utf8");
  await writeFile(journal, text.replace('"damaged later"', '"damaged later\u0000'));
  await expect(storage.writeDatasets()).rejects.toThrow(/journal\.jsonl is damaged at line 3: /);
  expect(await readItems("reddit_posts")).toEqual([{ reddit_id: "1", title: "damaged later" }]);
});

it("is refused when the journal no longer holds the items that it held", async () => {
  await push([post("1")], [post("2")]);
  const journal = join(storageDir, "request_queues", "crawl", "journal.jsonl");
  const text = await readFile(journal, "utf8");
  await writeFile(journal, text.replace('"keys":{"reddit_posts":["1"]}', '"keys":{"reddit_posts":["9"]}'));
  await expect(storage.writeDatasets()).rejects.toThrow(
    /journal\.jsonl holds 0 items of reddit_posts, expected 2/,
  );
});

it("is complete when the storage is closed at once", async () => {
  await push(Array.from({ length: 2000 }, (_, index) => post(`${index}`)));
  const writing = storage.writeDatasets();
  await storage.close();
  expect(await readdir(join(storageDir, "datasets"))).toEqual(["reddit_posts"]);
  expect(await writing).toEqual({ reddit_posts: 2000 });
});

it("can be read by Crawlee", async () => {
  await push(Array.from({ length: 25 }, (_, index) => post(`${index}`, { score: index })));
  await storage.writeDatasets();
  const config = new Configuration({ purgeOnStart: false });
  const storageClient = new MemoryStorage({ localDataDirectory: storageDir });
  const dataset = await Dataset.open("reddit_posts", { config, storageClient });
  const { items, total } = await dataset.getData();
  expect(total).toBe(25);
  expect(items.map((item) => item["score"])).toEqual(Array.from({ length: 25 }, (_, index) => index));
});

/** Each list is pushed by a request of its own. */
async function push(...lists: PushedItem[][]): Promise<void> {
  for (const items of lists) {
    await storage.addRequests([request(JSON.stringify(items))]);
    const [claimed] = await storage.claimRequests(1);
    await storage.commitRequests([commit(claimed!, { items })]);
  }
}

async function readFiles(dataset: string): Promise<Record<string, string>> {
  const folder = join(storageDir, "datasets", dataset);
  const names = await readdir(folder);
  const entries = names.map(async (name) => [name, await readFile(join(folder, name), "utf8")]);
  return Object.fromEntries(await Promise.all(entries));
}

async function readItems(dataset: string): Promise<unknown[]> {
  return Object.values(await readFiles(dataset)).map((text) => JSON.parse(text));
}
