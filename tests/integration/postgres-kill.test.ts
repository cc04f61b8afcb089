import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readRunItems } from "../../shared/crawl/postgres/read-run-items.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { expectedResult } from "./run-storage-plan.ts";
import { temporaryFolder } from "./test-site.ts";

const PROCESSES = 3;
const KILLS_A_PROCESS = 3;
const CRAWLER = path.resolve(import.meta.dirname, "postgres-crawler.ts");
const RUN = "killed";

let cluster: TestCluster;
let database: Database;
let databaseUrl: string;
let logFile: string;
beforeAll(async () => {
  cluster = await startCluster();
  const config = await cluster.createMigratedConfig();
  databaseUrl = config.databaseUrl!;
  database = await openDatabase(config, { applicationName: "tests" });
  logFile = path.join(await temporaryFolder(), "log");
  await database.pool.query("select open_run($1, 'reddit', '{}')", [RUN]);
  const killing = Array.from({ length: PROCESSES }, async () => {
    for (let kill = 0; kill < KILLS_A_PROCESS; kill++) await crawl(50 + 400 * Math.random());
    await crawl();
  });
  await sleep(1_500);
  await cluster.kill();
  await Promise.all(killing);
}, 90_000);
afterAll(async () => {
  await database.close();
  await cluster.stop();
});

/** Runs to the end, or is killed so long after it has opened its storage. */
async function crawl(killAfterMs?: number): Promise<void> {
  const child = spawn(process.execPath, [CRAWLER, databaseUrl, RUN, logFile], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  if (killAfterMs !== undefined) {
    await once(child.stdout, "data");
    await sleep(killAfterMs);
    child.kill("SIGKILL");
  }
  const [code] = await exited;
  if (killAfterMs === undefined) expect(code).toBe(0);
}

it("a crawl whose processes and database were killed handles every request once, and counts exactly", async () => {
  const { handled, failed } = expectedResult();
  const { rows } = await database.pool.query(
    `select count_requests(number) as counts, count_items(number) as items,
      (select count(*) from requests where state = 'handled') as handled,
      (select count(*) from requests where state = 'failed') as failed,
      (select count(*) from requests) as total,
      (select jsonb_object_agg(name, n) from (
        select d.name, count(*) as n from datasets d
        join dataset_items i on i.day = d.day and i.dataset_id = d.id group by 1) x) as stored
    from runs`,
  );
  const waiting = { pending: 0, claimed: 0, delayed: 0 };
  expect(rows[0].counts).toEqual({ total: handled + failed, handled, failed, ...waiting });
  expect(rows[0]).toMatchObject({ handled, failed, total: handled + failed });
  expect(rows[0].items).toEqual(rows[0].stored);
});

it("its datasets have every item once, whole", async () => {
  for (const [dataset, byKey] of expectedResult().items) {
    const items = await Array.fromAsync(readRunItems(database.pool, RUN, dataset));
    expect(sorted(items)).toEqual(sorted([...byKey.values()]));
  }
});

it("no attempt was handed out twice, and nothing that was committed again", async () => {
  const done = new Set<string>();
  const attempts = new Set<string>();
  const mistakes: string[] = [];
  for (const line of (await readFile(logFile, "utf8")).trimEnd().split("\n")) {
    const [what, id = "", attempt = ""] = line.split(" ");
    if (what === "done") done.add(id);
    if (what !== "claim") continue;
    if (done.has(id)) mistakes.push(`${line}: was committed`);
    if (attempts.has(`${id} ${attempt}`)) mistakes.push(`${line}: was handed out before`);
    attempts.add(`${id} ${attempt}`);
  }
  expect(mistakes).toEqual([]);
  expect(done.size).toBeGreaterThan(1_000);
});

function sorted(items: object[]): string[] {
  return items.map((item) => JSON.stringify(Object.entries(item).sort())).sort();
}
