/**
 * A crawl without a network, to be killed: `node run-storage-crawler.ts <storage folder> <log file>`. Every line of
 * the log is written before the next thing happens: `claim <id> <attempt> <retry count>`, `retry <id>`, `done <id>`.
 */
import { openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { openLocalRunStorage } from "../../shared/crawl/local/local-run-storage.ts";
import type { ClaimedRequest } from "../../shared/crawl/run-storage.ts";
import { commit } from "../contract/run-storage-samples.ts";
import { planOf, roots } from "./run-storage-plan.ts";

const [storageDir = "", logFile = ""] = process.argv.slice(2);
const log = openSync(logFile, "a");
const say = (line: string): void => void writeSync(log, `${line}\n`);

const storage = await openLocalRunStorage({ storageDir, name: "crawl" });
process.stdout.write("open\n");
await storage.addRequests(roots);
const writing = sleep(100 * Math.random()).then(() => storage.writeDatasets());
await Promise.all(Array.from({ length: 4 }, work));
await writing;
await storage.writeDatasets();
await storage.close();

async function work(): Promise<void> {
  while (!(await storage.isFinished())) {
    const claimed = await storage.claimRequests(1 + Math.floor(4 * Math.random()));
    for (const { id, attempt, retryCount } of claimed) say(`claim ${id} ${attempt} ${retryCount}`);
    await sleep(4 * Math.random());
    const [given, tried] = partition(claimed, () => Math.random() < 0.05);
    const [retried, finished] = partition(tried, (each) => each.retryCount < planOf(each.uniqueKey).retries);
    await Promise.all([storage.reclaimRequests(given), retry(retried), finish(finished)]);
  }
}

async function retry(requests: ClaimedRequest[]): Promise<void> {
  const delayMs = Math.floor(8 * Math.random());
  await storage.reclaimRequests(requests.map((each) => ({ ...each, delayMs, errorMessage: "again" })));
  for (const { id } of requests) say(`retry ${id}`);
}

async function finish(requests: ClaimedRequest[]): Promise<void> {
  const commits = requests.map((each) => commit(each, planOf(each.uniqueKey)));
  // Now and then as if the first answer had got lost.
  if (Math.random() < 0.1) await storage.commitRequests(commits);
  const results = await storage.commitRequests(commits);
  if (results.some((result) => result !== "done"))
    throw new Error(`expected done, got ${results.join(", ")}`);
  for (const { id } of requests) say(`done ${id}`);
}

function partition<T>(values: T[], isFirst: (value: T) => boolean): [T[], T[]] {
  const { first = [], rest = [] } = Object.groupBy(values, (value) => (isFirst(value) ? "first" : "rest"));
  return [first, rest];
}
