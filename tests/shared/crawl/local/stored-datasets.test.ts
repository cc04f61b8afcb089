import { appendFile, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  type LocalRunStorage,
  openLocalRunStorage,
} from "../../../../shared/crawl/local/local-run-storage.ts";
import { findDatasets } from "../../../../shared/crawl/local/stored-datasets.ts";
import type { PushedItem } from "../../../../shared/crawl/run-storage.ts";
import { commit, failure, post, request, subreddit } from "../../../contract/run-storage-samples.ts";

let storageDir: string;
beforeEach(async () => {
  storageDir = await mkdtemp(join(tmpdir(), "b9-datasets-"));
});
afterEach(() => rm(storageDir, { recursive: true }));

const open = (name = "crawl") => openLocalRunStorage({ storageDir, name });
const journal = (name = "crawl") => join(storageDir, "request_queues", name, "journal.jsonl");
let pushes = 0;
async function push(storage: LocalRunStorage, ...items: PushedItem[]): Promise<void> {
  await storage.addRequests([request(`${pushes++}`)]);
  const [claimed] = await storage.claimRequests(1);
  await storage.commitRequests([commit(claimed!, { items })]);
}
async function found(): Promise<Record<string, unknown>> {
  const { datasets, problems } = await findDatasets(storageDir);
  expect(problems).toEqual([]);
  const entries = await Promise.all(
    datasets.map(async ({ name, items, source, read }) => [
      name,
      { source, items, all: await Array.fromAsync(read()) },
    ]),
  );
  return Object.fromEntries(entries);
}

it("shows what a crawl has so far, merged and once, while it goes on", async () => {
  const storage = await open();
  await push(storage, post("a"), post("b"), subreddit("node", { title: "Node", rules: 1 }));
  await push(storage, post("a", { title: "later" }), subreddit("Node", { rules: 2 }));
  expect(await found()).toEqual({
    reddit_posts: { source: "journal", items: 2, all: [{ reddit_id: "a" }, { reddit_id: "b" }] },
    reddit_subreddits: {
      source: "journal",
      items: 1,
      all: [{ name: "Node", title: "Node", rules: 2 }],
    },
  });
  await push(storage, post("c"));
  expect(await found()).toMatchObject({ reddit_posts: { items: 3 } });
  await storage.close();
});

it("shows what a killed crawl had, whatever its last write was, and changes nothing", async () => {
  const storage = await open();
  await push(storage, post("a"));
  await appendFile(journal(), '{"request":"torn');
  const { datasets } = await findDatasets(storageDir);
  expect(await Array.fromAsync(datasets[0]!.read())).toEqual([{ reddit_id: "a" }]);
  await truncate(journal(), (await (await import("node:fs/promises")).stat(journal())).size - 16);
  await storage.close();
});

it("takes the files once the crawl has written them, and the journal again when it goes on", async () => {
  const storage = await open();
  await push(storage, post("a"));
  await storage.writeDatasets();
  await storage.close();
  expect(await found()).toMatchObject({ reddit_posts: { source: "files", items: 1 } });
  const resumed = await open();
  expect(await found()).toMatchObject({ reddit_posts: { source: "journal", items: 1 } });
  await push(resumed, post("b"));
  // Closed without its datasets, as when there was no room for them.
  await resumed.close();
  expect(await found()).toMatchObject({ reddit_posts: { source: "journal", items: 2 } });
});

it("takes the crawl that came last where several had the dataset", async () => {
  const first = await open("first");
  await push(first, failure("x", {}));
  await first.close();
  const second = await open("second");
  await push(second, failure("y", {}), post("a"));
  await second.close();
  expect(await found()).toMatchObject({ failed_requests: { all: [{ request_id: "y" }] } });
});

it("names a journal that it cannot read, and shows the files", async () => {
  const storage = await open();
  await push(storage, post("a"));
  await storage.writeDatasets();
  await storage.close();
  await writeFile(journal(), '{"open":{"crashes":0,"version":99}}\n');
  const { datasets, problems } = await findDatasets(storageDir);
  expect(problems).toEqual([expect.stringContaining("its lines are of version 99")]);
  expect(datasets).toMatchObject([{ name: "reddit_posts", source: "files", items: 1 }]);
});
