import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openLocalRunStorage, purgeLocalStorage } from "../../../../shared/crawl/local/local-run-storage.ts";
import { commit, post, request } from "../../../contract/run-storage-samples.ts";

let storageDir: string;
beforeEach(async () => {
  storageDir = await mkdtemp(join(tmpdir(), "b9-purge-"));
});
afterEach(async () => rm(storageDir, { recursive: true }));

it("removes queue, datasets and records, and tells which", async () => {
  await crawl();
  expect(await purgeLocalStorage({ storageDir, name: "crawl" })).toEqual([
    "datasets/reddit_posts",
    "key_value_stores/default/OUTPUT.json",
    "request_queues/crawl/journal.jsonl",
  ]);
  expect(await readdir(join(storageDir, "datasets"))).toEqual([]);
  const storage = await openLocalRunStorage({ storageDir, name: "crawl" });
  expect(await storage.counts()).toMatchObject({ total: 0 });
  expect(await storage.itemCounts()).toEqual({});
  expect(await storage.getRecord("OUTPUT")).toBeUndefined();
  await storage.close();
});

it("leaves inputs, other queues and everything else alone", async () => {
  await crawl();
  const kept = [
    "key_value_stores/default/INPUT.json",
    "key_value_stores/default/INPUT.txt",
    "key_value_stores/named/OUTPUT.json",
    "key_value_stores/default/folder/file.json",
    "request_queues/other/journal.jsonl",
    "datasets/README.md",
    "notes.txt",
  ];
  for (const path of kept) {
    await mkdir(dirname(join(storageDir, path)), { recursive: true });
    await writeFile(join(storageDir, path), path);
  }
  await mkdir(join(storageDir, "elsewhere"));
  await writeFile(join(storageDir, "elsewhere", "000000001.json"), "{}");
  await symlink("../elsewhere", join(storageDir, "datasets", "linked"));
  await purgeLocalStorage({ storageDir, name: "crawl" });

  for (const path of kept) expect(await readFile(join(storageDir, path), "utf8")).toBe(path);
  expect(await readdir(join(storageDir, "elsewhere"))).toEqual(["000000001.json"]);
});

it("removes nothing while the queue is open", async () => {
  await crawl();
  const storage = await openLocalRunStorage({ storageDir, name: "crawl" });
  await expect(purgeLocalStorage({ storageDir, name: "crawl" })).rejects.toThrow(/in use by process/);
  expect(await readdir(join(storageDir, "datasets"))).toEqual(["reddit_posts"]);
  expect(await storage.counts()).toMatchObject({ total: 1 });
  await storage.close();
});

it("finds nothing to remove where no crawl was", async () => {
  expect(await purgeLocalStorage({ storageDir: join(storageDir, "new"), name: "crawl" })).toEqual([]);
});

it("refuses a queue name that leads elsewhere", async () => {
  await expect(purgeLocalStorage({ storageDir, name: "../datasets" })).rejects.toThrow(/queue name/);
});

async function crawl(): Promise<void> {
  const storage = await openLocalRunStorage({ storageDir, name: "crawl" });
  await storage.addRequests([request("a")]);
  const [claimed] = await storage.claimRequests(1);
  await storage.commitRequests([commit(claimed!, { items: [post("1")] })]);
  await storage.setRecord("OUTPUT", { items: 1 });
  await storage.writeDatasets();
  await storage.close();
}
