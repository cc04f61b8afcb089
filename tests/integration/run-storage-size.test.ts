import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { addLine, commitLine } from "../../shared/crawl/local/journal-lines.ts";
import { requestId } from "../../shared/crawl/local/request-id.ts";
import { request } from "../contract/run-storage-samples.ts";

const REQUESTS = 1_000_000;
const BATCH = 500;

let storageDir: string;
beforeAll(async () => {
  storageDir = await mkdtemp(join(tmpdir(), "b9-size-"));
  await writeJournal();
}, 120_000);
afterAll(async () => rm(storageDir, { recursive: true }));

it("a million handled requests open in under 20 seconds and 600 MB", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, "run-storage-gauge.ts"),
    storageDir,
  ]);
  const { counts, items, cpuSecs, maxRssMbytes } = JSON.parse(stdout);
  expect(counts).toMatchObject({ total: REQUESTS, handled: REQUESTS });
  expect(items).toEqual({ reddit_posts: REQUESTS });
  // Half of it on a machine that does nothing else.
  expect(cpuSecs).toBeLessThan(20);
  expect(maxRssMbytes).toBeLessThan(600);
});

/** Half of the requests are added in one go, the others are children of those. */
async function writeJournal(): Promise<void> {
  const queue = join(storageDir, "request_queues", "crawl");
  await mkdir(queue, { recursive: true });
  const journal = await open(join(queue, "journal.jsonl"), "w");
  const half = REQUESTS / 2;
  for (let at = 0; at < half; at += BATCH) await journal.write(addLine(texts(at, at + BATCH), 0));
  for (let at = 0; at < half; at += BATCH) {
    const parents = texts(at, at + BATCH);
    const children = texts(half + at, half + at + BATCH);
    const lines = parents.map(({ id }, index) => toCommit(id, at + index, [children[index]!]));
    await journal.write(lines.join(""));
    await journal.write(children.map(({ id }, index) => toCommit(id, half + at + index, [])).join(""));
  }
  await journal.close();
}

function toCommit(id: string, number: number, children: { id: string; json: string }[]): string {
  const item = JSON.stringify({ reddit_id: `t3_${number}`, title: "x".repeat(200) });
  const items = new Map([["reddit_posts", { keys: [`t3_${number}`], items: [item] }]]);
  return commitLine({ id, attempt: 1, outcome: "handled" }, { children, items });
}

function texts(from: number, to: number): { id: string; json: string }[] {
  return Array.from({ length: to - from }, (_, index) => {
    const each = request(`GET https://oauth.reddit.com/r/subreddit_${from + index}/new?limit=100`);
    return { id: requestId(each.uniqueKey), json: JSON.stringify(each) };
  });
}
