/**
 * A part of a crawl without a network, to be killed: `node postgres-crawler.ts <database URL> <run> <log file>`. Every
 * line of the log is written before the next thing happens: `claim <id> <attempt>`, `done <id>`.
 */
import { openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "../../shared/config.ts";
import { openPostgresRunStorage } from "../../shared/crawl/postgres/postgres-run-storage.ts";
import type { ClaimedRequest } from "../../shared/crawl/run-storage.ts";
import { openDatabase } from "../../shared/db/database.ts";
import { commit } from "../contract/run-storage-samples.ts";
import { planOf, roots } from "./run-storage-plan.ts";

const [databaseUrl = "", runId = "", logFile = ""] = process.argv.slice(2);
const log = openSync(logFile, "a");
const say = (line: string): void => void writeSync(log, `${line}\n`);

const config = readConfig({ DATABASE_URL: databaseUrl, LOG_LEVEL: "silent" }, "no .env file");
const database = await openDatabase(config, { max: 3, applicationName: "crawler" });
const storage = await openPostgresRunStorage({ database, runId, leaseSecs: 1 });
await storage.addRequests(roots);
process.stdout.write("open\n");
await Promise.all(Array.from({ length: 3 }, work));
await storage.close();
await database.close();

async function work(): Promise<void> {
  while (!(await storage.isFinished())) {
    const claimed = await storage.claimRequests(1 + Math.floor(20 * Math.random()));
    for (const { id, attempt } of claimed) say(`claim ${id} ${attempt}`);
    await sleep(claimed.length > 0 ? 4 * Math.random() : 50);
    const tried = claimed.filter(() => Math.random() >= 0.05);
    const given = claimed.filter((each) => !tried.includes(each));
    const retried = tried.filter((each) => each.retryCount < planOf(each.uniqueKey).retries);
    const finished = tried.filter((each) => !retried.includes(each));
    const delayMs = Math.floor(8 * Math.random());
    await Promise.all([
      storage.reclaimRequests(given),
      storage.reclaimRequests(retried.map((each) => ({ ...each, delayMs, errorMessage: "again" }))),
      finish(finished),
    ]);
  }
}

async function finish(requests: ClaimedRequest[]): Promise<void> {
  const commits = requests.map((each) => commit(each, planOf(each.uniqueKey)));
  // Now and then as if the first answer had got lost.
  if (Math.random() < 0.1) await storage.commitRequests(commits);
  const results = await storage.commitRequests(commits);
  for (const [i, result] of results.entries()) if (result === "done") say(`done ${requests[i]!.id}`);
}
