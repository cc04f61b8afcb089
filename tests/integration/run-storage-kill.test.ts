import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openLocalRunStorage } from "../../shared/crawl/local/local-run-storage.ts";
import { expectedResult } from "./run-storage-plan.ts";

const KILLS = 20;

let root: string;
let storageDir: string;
let logFile: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "b9-kill-"));
  storageDir = join(root, "storage");
  logFile = join(root, "log");
  for (let kill = 0; kill < KILLS; kill++) await crawl({ killAfterMs: 20 + 100 * Math.random() });
  await crawl();
}, 120_000);
afterAll(async () => rm(root, { recursive: true }));

it("a crawl that was killed twenty times handles every request once", async () => {
  const expected = expectedResult();
  const storage = await openLocalRunStorage({ storageDir, name: "crawl" });
  const { handled, failed } = expected;
  expect(await storage.counts()).toEqual({
    total: handled + failed,
    pending: 0,
    claimed: 0,
    delayed: 0,
    handled,
    failed,
  });
  await storage.close();
  const journal = await readFile(join(storageDir, "request_queues", "crawl", "journal.jsonl"), "utf8");
  const committed = journal.match(/^\{"request":"[^"]+"/gm) ?? [];
  expect(committed).toHaveLength(handled + failed);
  expect(new Set(committed).size).toBe(handled + failed);
});

it("its datasets have every item once, and nothing lies beside them", async () => {
  const { items } = expectedResult();
  expect((await readdir(join(storageDir, "datasets"))).sort()).toEqual([...items.keys()].sort());
  for (const [dataset, byKey] of items) {
    expect(byId(await readItems(dataset))).toEqual(byId([...byKey.values()]));
  }
});

it("what was acknowledged is never handed out again, retries count on, and no attempt comes twice", async () => {
  const done = new Set<string>();
  const retries = new Map<string, number>();
  const attempts = new Set<string>();
  const mistakes: string[] = [];
  for (const line of (await readFile(logFile, "utf8")).trimEnd().split("\n")) {
    const [what, id = "", attempt = "", retryCount = ""] = line.split(" ");
    if (what === "done") done.add(id);
    if (what === "retry") retries.set(id, (retries.get(id) ?? 0) + 1);
    if (what !== "claim") continue;
    if (done.has(id)) mistakes.push(`done already: ${line}`);
    if (attempts.has(`${id} ${attempt}`)) mistakes.push(`attempt comes again: ${line}`);
    if (Number(retryCount) < (retries.get(id) ?? 0)) mistakes.push(`retry forgotten: ${line}`);
    attempts.add(`${id} ${attempt}`);
  }
  expect(mistakes).toEqual([]);
  expect(done.size).toBeGreaterThan(1000);
});

/** @param killAfterMs from when the storage is open; without it the crawl goes on to its end */
async function crawl({ killAfterMs }: { killAfterMs?: number } = {}): Promise<void> {
  const script = join(import.meta.dirname, "run-storage-crawler.ts");
  const child = spawn(process.execPath, [script, storageDir, logFile], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  if (killAfterMs !== undefined) {
    await once(child.stdout, "data");
    await sleep(killAfterMs);
    child.kill("SIGKILL");
  }
  expect(await exited).toEqual(killAfterMs === undefined ? [0, null] : [null, "SIGKILL"]);
}

async function readItems(dataset: string): Promise<object[]> {
  const folder = join(storageDir, "datasets", dataset);
  const texts = (await readdir(folder)).map(async (name) => readFile(join(folder, name), "utf8"));
  return (await Promise.all(texts)).map((text) => JSON.parse(text));
}

function byId(items: object[]): object[] {
  const sorted = items.map((item) => Object.fromEntries(Object.entries(item).sort()));
  return sorted.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
