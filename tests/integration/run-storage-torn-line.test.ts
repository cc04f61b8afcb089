import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openLocalRunStorage } from "../../shared/crawl/local/local-run-storage.ts";
import { commit, post, request } from "../contract/run-storage-samples.ts";

let storageDir: string;
beforeAll(async () => {
  storageDir = await mkdtemp(join(tmpdir(), "b9-torn-line-"));
});
afterAll(async () => rm(storageDir, { recursive: true }));

it("a journal cut at any byte of its last lines opens with each line whole or gone, and a note", async () => {
  const open = async () => openLocalRunStorage({ storageDir, name: "crawl" });
  const journal = join(storageDir, "request_queues", "crawl", "journal.jsonl");
  const storage = await open();
  await storage.addRequests([request("a"), request("b"), request("ümlaut")]);
  const [a, b] = await storage.claimRequests(2);
  const { length: before } = await readFile(journal);
  await storage.commitRequests([
    commit(a!, { items: [post("1", { title: "ü\t\n" })], children: [request("child")] }),
  ]);
  const { length: afterCommit } = await readFile(journal);
  await storage.reclaimRequests([{ ...b!, errorMessage: "ä" }]);
  const { length: whole } = await readFile(journal);
  const bytes = await readFile(journal);
  await storage.close();

  for (let size = whole; size >= before; size--) {
    await writeFile(journal, bytes.subarray(0, size));
    const opened = await open();
    const isCommitted = size >= afterCommit;
    expect(await opened.counts()).toMatchObject({
      total: isCommitted ? 4 : 3,
      handled: isCommitted ? 1 : 0,
    });
    expect(await opened.itemCounts()).toEqual(isCommitted ? { reddit_posts: 1 } : {});
    expect(opened.notes).toHaveLength([before, afterCommit, whole].includes(size) ? 0 : 1);
    const claimed = await opened.claimRequests(4);
    expect(claimed.find(({ id }) => id === b!.id)?.retryCount).toBe(size === whole ? 1 : 0);
    await opened.close();
    const end = size === whole ? whole : isCommitted ? afterCommit : before;
    expect(
      (await readFile(journal))
        .subarray(0, end + 8)
        .toString()
        .slice(-8),
    ).toBe('{"open":');
  }
});
