import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openLocalRunStorage } from "../../shared/crawl/local/local-run-storage.ts";
import { StorageError } from "../../shared/crawl/run-storage.ts";
import { commit, post, request } from "../contract/run-storage-samples.ts";

const SMALL_DISK_BYTES = 1024 * 1024;
const title = "x".repeat(50_000);

let root: string;
let smallDisk: string;
let isMounted = false;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "b9-disk-full-"));
  smallDisk = await mkdtemp(join(tmpdir(), "b9-small-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SMALL_DISK_BYTES}`, "tmpfs", smallDisk], {
      stdio: "pipe",
    });
    isMounted = true;
  } catch {
    // Only root may mount; the file size limit below stands for a full disk then.
  }
});
afterAll(async () => {
  if (isMounted) execFileSync("umount", ["--lazy", smallDisk]);
  await rm(smallDisk, { recursive: true });
  await rm(root, { recursive: true });
});

it("a write that finds the disk full changes nothing, and succeeds once there is room", async ({ skip }) => {
  skip(!isMounted, "a small disk can only be mounted by root");
  const storage = await openLocalRunStorage({ storageDir: smallDisk, name: "crawl" });
  await storage.addRequests(Array.from({ length: 30 }, (_, index) => request(`${index}`)));
  const claimed = await storage.claimRequests(30);
  const commits = claimed.map((each) => commit(each, { items: [post(each.uniqueKey, { title })] }));
  await storage.commitRequests(commits.slice(0, 5));
  const journal = join(smallDisk, "request_queues", "crawl", "journal.jsonl");
  const before = await readFile(journal);
  const ballast = join(smallDisk, "ballast");
  await writeFile(ballast, Buffer.alloc(600_000));

  const [five, more] = await Promise.allSettled([
    storage.commitRequests(commits.slice(5, 10)),
    storage.commitRequests(commits.slice(10, 15)),
  ]);
  for (const result of [five, more]) {
    expect(result).toMatchObject({ status: "rejected", reason: expect.any(StorageError) });
    expect(result).toHaveProperty(
      "reason.message",
      expect.stringMatching(/^cannot write .*journal\.jsonl: ENOSPC/),
    );
  }
  expect(await readFile(journal)).toEqual(before);
  expect(await storage.counts()).toMatchObject({ claimed: 25, handled: 5 });
  expect(await storage.itemCounts()).toEqual({ reddit_posts: 5 });
  await expect(storage.setRecord("OUTPUT", { title: title.repeat(10) })).rejects.toThrow(
    /OUTPUT\.json: ENOSPC/,
  );

  await rm(ballast);
  expect(await storage.commitRequests(commits.slice(0, 15))).toEqual(
    Array.from({ length: 15 }, () => "done"),
  );
  await storage.close();
  const reopened = await openLocalRunStorage({ storageDir: smallDisk, name: "crawl" });
  expect(await reopened.counts()).toMatchObject({ total: 30, handled: 15, pending: 15 });
  expect(await reopened.itemCounts()).toEqual({ reddit_posts: 15 });
  expect(reopened.notes).toEqual([]);
  await reopened.close();
});

it("a crawl that its disk stopped goes on from the last whole commit", async () => {
  const script = join(import.meta.dirname, "run-storage-filler.ts");
  const limited = `ulimit -f 2000; exec "$0" "$@"`;
  const { stdout } = await promisify(execFile)("sh", ["-c", limited, process.execPath, script, root]);
  const [, handled, message] = /^(\d+) (.*)$/s.exec(stdout.trim()) ?? [];
  expect(message).toMatch(/cannot write .*journal\.jsonl: EFBIG/);

  const storage = await openLocalRunStorage({ storageDir: root, name: "crawl" });
  expect(storage.notes).toEqual([]);
  expect(await storage.counts()).toMatchObject({ total: 1000, handled: Number(handled), claimed: 0 });
  expect(await storage.itemCounts()).toEqual({ reddit_posts: Number(handled) });
  expect((await stat(join(root, "request_queues", "crawl", "journal.jsonl"))).size).toBeGreaterThan(0);
  await storage.close();
});
