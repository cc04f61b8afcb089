import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { log as crawleeLog } from "@crawlee/core";
import { pino } from "pino";
import { formatTable } from "../shared/cli/table.ts";
import { readConfig } from "../shared/config.ts";
import { runActor } from "../shared/crawl/run-actor.ts";
import { startBenchCluster } from "./bench-database.ts";
import {
  benchActor,
  type Figures,
  format,
  readFigures,
  REAL_WINDOW_MS,
  startStrictWorld,
} from "./throttle.ts";

const PROCESSES = 4;
/** The first and the last are only partly used and dropped. */
const WINDOWS = 6;

const SITUATIONS = [
  { budgets: 2, requestsPerWindow: 1000 },
  { budgets: 10, requestsPerWindow: 280 },
];

const GOAL = 0.95;

/**
 * How much of strict budgets four processes use that share a crawl whose queue is never empty, by the site's own
 * counts. One of them is killed in the middle.
 * @returns whether at least 95 % were used, and not one request was over a budget
 */
export async function benchThrottleShared(): Promise<boolean> {
  const cluster = await startBenchCluster();
  const rows: string[][] = [];
  let isMet = true;
  try {
    for (const { budgets, requestsPerWindow } of SITUATIONS) {
      const url = await cluster.createDatabase(`budgets_${budgets}`);
      const figures = await measure(url, budgets, requestsPerWindow);
      rows.push([`${budgets} budgets`, ...format(figures)]);
      isMet &&= figures.used >= GOAL && figures.throttled === 0;
    }
  } finally {
    await cluster.stop();
  }
  process.stdout.write(formatTable(["", "made / allowed", "429s", "requests"], rows));
  process.stdout.write(
    `\ngoals for ${PROCESSES} processes, one killed: made / allowed at least ${GOAL * 100} %, no 429: ${isMet ? "met" : "NOT met"}\n`,
  );
  return isMet;
}

async function measure(databaseUrl: string, budgets: number, requestsPerWindow: number): Promise<Figures> {
  const world = await startStrictWorld(budgets, requestsPerWindow);
  const children: ChildProcess[] = [];
  try {
    const env = { ...process.env, ...world.env, DATABASE_URL: databaseUrl };
    const requests = String(budgets * requestsPerWindow * (WINDOWS + 2));
    for (let i = 0; i < PROCESSES; i++) {
      const args = [import.meta.filename, requests];
      children.push(spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] }));
    }
    await sleep(REAL_WINDOW_MS * (WINDOWS / 2));
    children[0]!.kill("SIGKILL");
    await sleep(REAL_WINDOW_MS * (WINDOWS / 2));
    return await readFigures(world, budgets, requestsPerWindow);
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await world.leave();
  }
}

if (import.meta.main) {
  crawleeLog.setLevel(crawleeLog.LEVELS.OFF);
  await runActor(benchActor(Number(process.argv[2])), {
    input: {},
    config: readConfig(),
    log: pino({ level: "silent" }),
    database: { runId: "shared" },
  });
}
