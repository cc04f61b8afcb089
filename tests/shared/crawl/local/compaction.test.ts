import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { compactJournal } from "../../../../shared/crawl/local/compaction.ts";
import { openLocalRunStorage } from "../../../../shared/crawl/local/local-run-storage.ts";
import { replayJournal } from "../../../../shared/crawl/local/replay.ts";
import type { ClaimedRequest } from "../../../../shared/crawl/run-storage.ts";
import { commit, failure, post, request, subreddit } from "../../../contract/run-storage-samples.ts";

const NOW = 1_800_000_000_000;

let storageDir: string;
let journal: string;
const open = async (now = NOW) => openLocalRunStorage({ storageDir, name: "crawl", now: () => now });
beforeEach(async () => {
  storageDir = await mkdtemp(join(tmpdir(), "b9-compaction-"));
  journal = join(storageDir, "request_queues", "crawl", "journal.jsonl");
});
afterEach(async () => rm(storageDir, { recursive: true }));

it("keeps what a journal means: state, order, attempts, items", async () => {
  const committed = await fill();
  const before = await replayJournal(journal, (await stat(journal)).size);
  await compact();
  const after = await replayJournal(journal, (await stat(journal)).size);

  const byId = ({ state: { entries } }: typeof before) =>
    [...entries.values()].map(({ order: _order, ...entry }) => entry);
  expect(byId(after)).toEqual(byId(before));
  expect(after.state.settled).toEqual(before.state.settled);
  expect(after.itemKeys).toEqual(before.itemKeys);
  const storage = await open(NOW + 500);
  expect(await storage.nextReadyInMs()).toBe(500);
  expect(await storage.commitRequests(committed.map((claimed) => commit(claimed)))).toEqual([
    "done",
    "done",
    "done",
  ]);
  const claimed = await storage.claimRequests(10);
  expect(claimed.map(({ uniqueKey, attempt }) => [uniqueKey, attempt])).toEqual([
    ["front", 2],
    ["urgent", 2],
    ["left", 2],
    ["child", 2],
  ]);
  await storage.close();
});

it("keeps datasets as they would have been written", async () => {
  await fill();
  const before = await writeDatasets();
  await compact();
  expect(await writeDatasets()).toEqual(before);
  expect(Object.keys(before)).toHaveLength(3 + 1 + 1);
});

it("can be repeated, and then changes nothing", async () => {
  await fill();
  await compact();
  const once = await readFile(journal, "utf8");
  await compact();
  expect(await readFile(journal, "utf8")).toBe(once);
});

it("drops the bodies of requests that are done with, and what items were merged away", async () => {
  await fill();
  await compact();
  const text = await readFile(journal, "utf8");
  expect(text).not.toContain("/handled");
  expect(text).not.toContain("first reason");
  expect(text).toContain("last reason");
});

it("happens when a large journal is opened of which most would go", async () => {
  const storage = await open();
  const userData = { text: "x".repeat(10_000) };
  await storage.addRequests(Array.from({ length: 2000 }, (_, index) => request(`${index}`, { userData })));
  const claimed = await storage.claimRequests(1900);
  await storage.commitRequests(claimed.map((each) => commit(each, { items: [post(each.uniqueKey)] })));
  await storage.close();
  const { size } = await stat(journal);
  await writeFile(`${journal}.new`, "what a killed compaction left");

  const reopened = await open();
  expect(reopened.notes).toEqual([expect.stringContaining(`compacted ${journal} from ${size} to `)]);
  expect((await stat(journal)).size).toBeLessThan(size / 10);
  expect(await reopened.counts()).toMatchObject({ total: 2000, handled: 1900, pending: 100 });
  expect(await reopened.itemCounts()).toEqual({ reddit_posts: 1900 });
  expect(await reopened.claimRequests(1)).toMatchObject([{ uniqueKey: "1900", userData }]);
  await reopened.close();
  expect(await readdir(join(storageDir, "request_queues", "crawl"))).toEqual(["journal.jsonl", "lock.2"]);
  const small = await open();
  expect(small.notes).toEqual([]);
  await small.close();
});

it.each([
  { what: "a small journal", requests: 200, handled: 200 },
  { what: "a large journal that is all needed", requests: 2000, handled: 0 },
])("does not happen to $what", async ({ requests, handled }) => {
  const storage = await open();
  const userData = { text: "x".repeat(10_000) };
  await storage.addRequests(
    Array.from({ length: requests }, (_, index) => request(`${index}`, { userData })),
  );
  const claimed = await storage.claimRequests(handled);
  await storage.commitRequests(claimed.map((each) => commit(each)));
  await storage.close();
  await writeFile(`${journal}.new`, "what a killed compaction left");

  const reopened = await open();
  expect(reopened.notes).toEqual([]);
  expect(await readdir(join(storageDir, "request_queues", "crawl"))).toEqual(["journal.jsonl", "lock.2"]);
  await reopened.close();
});

it("leaves the journal alone when it finds it damaged", async () => {
  await fill();
  const text = (await readFile(journal, "utf8")).replace('"last reason"', '"last reason');
  await writeFile(journal, text);
  await expect(compact()).rejects.toThrow(/journal\.jsonl is damaged at line \d+:/);
  expect(await readFile(journal, "utf8")).toBe(text);
});

/** A bit of everything: requests in each state, items of each merge rule. Returns what was committed. */
async function fill(): Promise<ClaimedRequest[]> {
  const storage = await open();
  await storage.addRequests(
    ["handled", "handled later", "failed", "delayed", "left"].map((key) => request(key)),
  );
  const [first, second, third, fourth] = await storage.claimRequests(4);
  await storage.reclaimRequests([{ ...second!, errorMessage: "again" }]);
  const [secondAgain] = await storage.claimRequests(1);
  await storage.addRequests([request("urgent", { priority: 2, userData: { page: 7 } })]);
  await storage.addRequests([request("front")], { forefront: true });
  await storage.commitRequests([
    commit(first!, {
      items: [post("1"), post("2"), subreddit("Node", { rules: [] })],
      children: [request("child")],
    }),
    commit(secondAgain!, {
      items: [post("2", { score: 2 }), post("3"), failure("r", { reason: "first reason" })],
    }),
    commit(third!, {
      outcome: "failed",
      items: [subreddit("node", { subscribers: 1 }), failure("r", { reason: "last reason" })],
    }),
  ]);
  await storage.reclaimRequests([{ ...fourth!, delayMs: 1000, errorMessage: "slow" }]);
  await storage.claimRequests(10);
  await storage.close();
  return [first!, secondAgain!, third!];
}

async function compact(): Promise<void> {
  const { size } = await stat(journal);
  expect(await compactJournal(journal, size, await replayJournal(journal, size))).toBe(
    (await stat(journal)).size,
  );
}

async function writeDatasets(): Promise<Record<string, string>> {
  const storage = await open();
  await storage.writeDatasets();
  await storage.close();
  const folder = join(storageDir, "datasets");
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => name.endsWith(".json")).sort();
  const entries = files.map(async (name) => [name, await readFile(join(folder, name), "utf8")]);
  return Object.fromEntries(await Promise.all(entries));
}
