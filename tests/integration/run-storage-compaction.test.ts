import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openLocalRunStorage } from "../../shared/crawl/local/local-run-storage.ts";
import { commit, post, request } from "../contract/run-storage-samples.ts";

const REQUESTS = 20_000;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "b9-compaction-kill-"));
});
afterAll(async () => rm(root, { recursive: true }));

it("a journal is the old one or the new one, wherever its compaction was killed", async () => {
  const original = join(root, "original");
  await fill(original);
  let unfinished = 0;
  for (let round = 0; round < 12; round++) {
    const storageDir = join(root, `${round}`);
    const queue = join(storageDir, "request_queues", "crawl");
    await cp(original, storageDir, { recursive: true });
    const script = join(import.meta.dirname, "run-storage-opener.ts");
    const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit"] });
    const exited = once(child, "exit");
    await once(child.stdout, "data");
    child.stdin.write(`open ${storageDir}\n`);
    const opened = once(child.stdout, "data").then(() => true);
    while (!(await readdir(queue)).includes("journal.jsonl.new")) {
      if (await Promise.race([opened, sleep(1, false)])) break;
    }
    await sleep(round * 10);
    child.kill("SIGKILL");
    await exited;
    if ((await readdir(queue)).includes("journal.jsonl.new")) unfinished++;

    const storage = await openLocalRunStorage({ storageDir, name: "crawl" });
    expect(await storage.counts()).toMatchObject({ total: REQUESTS, handled: REQUESTS - 100, pending: 100 });
    expect(await storage.itemCounts()).toEqual({ reddit_posts: REQUESTS - 100 });
    expect(await storage.claimRequests(1)).toMatchObject([{ uniqueKey: `${REQUESTS - 100}` }]);
    await storage.close();
    expect((await stat(join(queue, "journal.jsonl"))).size).toBeLessThan(4_000_000);
    await rm(storageDir, { recursive: true });
  }
  expect(unfinished).toBeGreaterThan(0);
});

async function fill(storageDir: string): Promise<void> {
  const storage = await openLocalRunStorage({ storageDir, name: "crawl" });
  const userData = { text: "x".repeat(1000) };
  await storage.addRequests(
    Array.from({ length: REQUESTS }, (_, index) => request(`${index}`, { userData })),
  );
  const claimed = await storage.claimRequests(REQUESTS - 100);
  await storage.commitRequests(claimed.map((each) => commit(each, { items: [post(each.uniqueKey)] })));
  await storage.close();
}
