/**
 * A crawl that four processes share, of which two are killed with -9 while the database is restarted once, held
 * against the ground truth. By hand: `node tests/integration/postgres-shared-crawl.ts <subreddits> <rounds>`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { startSandboxWorld } from "../../shared/cli/sandbox-process.ts";
import { compareWithTruth, DEFAULT_LISTINGS } from "../../shared/cli/compare-truth.ts";
import { readRunItems } from "../../shared/crawl/postgres/read-run-items.ts";
import { readConfig } from "../../shared/config.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { type Ending, startOwnServer } from "./postgres-own-server.ts";
import { compareTables, TABLES } from "./postgres-tables.ts";

const RUN = "shared-run";
const B9 = path.resolve(import.meta.dirname, "../../b9");
const ENDINGS: Ending[] = ["fast", "immediate", "killed"];
const FAULTS = [
  { kind: "slow_headers", rate: 0.5, delay_ms: 60 },
  { kind: "status", status: 503, rate: 0.03 },
  { kind: "status", status: 429, rate: 0.01, retry_after_secs: 1 },
  { kind: "truncated_json", rate: 0.02 },
  { kind: "html_instead_of_json", rate: 0.02 },
  { kind: "reset", rate: 0.02 },
  { kind: "empty_body", rate: 0.01 },
  { kind: "revoke_token", rate: 1, times: 1, match: "/hot" },
] as const;

export interface SharedCrawl {
  /** One line for everything that is not as it should be. */
  differences: string[];
  /** What happened when. */
  events: string[];
  requests: number;
  /** Windows of a client's budget in which something was sent. */
  windows: number;
  items: number;
}

/** @param seed of the world; the moments of the blows are random */
export async function crawlTogether({
  subreddits,
  seed,
}: {
  subreddits: number;
  seed: number;
}): Promise<SharedCrawl> {
  const server = await startOwnServer();
  const world = await startSandboxWorld({
    port: 0,
    seed,
    subreddits: subreddits * 2,
    users: subreddits * 20,
    // Two clients; several windows of 2 s are needed.
    budgetRequests: Math.max(15, subreddits / 2),
    budgetSecs: 80,
    timeScale: 40,
    faults: [...FAULTS],
  });
  const config = readConfig({ DATABASE_URL: server.databaseUrl, LOG_LEVEL: "error" }, "no .env file");
  const env = {
    ...world.env,
    DATABASE_URL: server.databaseUrl,
    LEASE_SECS: "3",
    LOG_LEVEL: "error",
    PATH: process.env["PATH"],
  };
  try {
    const { names } = await readJson<{ names: string[] }>(`${world.url}/_sandbox/truth?count=${subreddits}`);
    const input = JSON.stringify({ subreddits: names, discover: true });
    const crawl = () =>
      spawn(B9, ["crawl", "reddit", "--db", "--run", RUN, "--input", input], {
        env,
        stdio: ["ignore", "pipe", "inherit"],
      });
    const processes = Array.from({ length: 4 }, crawl);
    const { differences, events } = await strike(processes, { server, url: world.url, subreddits });
    const database = await openDatabase(config, { applicationName: "tests" });
    try {
      const { windows } = await readJson<{ windows: { owner: string; over: number }[] }>(
        `${world.url}/_sandbox/stats`,
      );
      for (const window of windows.filter(({ over }) => over > 0))
        differences.push(`over budget: ${JSON.stringify(window)}`);
      differences.push(...(await checkRun(database)));
      const compared = await compareItems(database, world.url, names);
      differences.push(...compared.differences, ...(await compareTables(database.pool, RUN)));
      const { rows } = await database.pool.query("select count(*) as n from requests");
      return { differences, events, requests: rows[0].n, windows: windows.length, items: compared.found };
    } finally {
      await database.close();
    }
  } finally {
    await world.leave();
    await server.remove();
  }
}

interface Scene {
  server: Awaited<ReturnType<typeof startOwnServer>>;
  url: string;
  subreddits: number;
}

/** Kills the first two processes and restarts the database, each at a random moment of the crawl. */
async function strike(
  processes: ChildProcess[],
  { server, url, subreddits }: Scene,
): Promise<Pick<SharedCrawl, "differences" | "events">> {
  const startedAt = Date.now();
  const events: string[] = [];
  const say = (event: string) => events.push(`${((Date.now() - startedAt) / 1000).toFixed(1)} s ${event}`);
  const ended = processes.map(async (each) => {
    const [summary] = await Promise.all([text(each.stdout!), once(each, "exit")]);
    return { code: each.exitCode, summary };
  });
  const randomMoment = async () => {
    while ((await countSent(url)) < 10) await sleep(20);
    await sleep((2_000 + 25 * subreddits) * Math.random());
  };
  const blows = processes.slice(0, 2).map(async (each, i) => {
    await randomMoment();
    say(`process ${i} is killed`);
    each.kill("SIGKILL");
  });
  const restart = async () => {
    await randomMoment();
    const ending = ENDINGS[Math.floor(ENDINGS.length * Math.random())]!;
    say(`the database ends: ${ending}`);
    await server.stop(ending);
    await sleep(3_000 * Math.random());
    await server.start();
    say("the database runs again");
  };
  await Promise.all([...blows, restart()]);
  const exits = await Promise.all(ended);
  say("the crawl ends");
  const wrong = exits.slice(2).filter(({ code }) => code !== 0);
  return { differences: wrong.map((exit) => `a process that lived: ${JSON.stringify(exit)}`), events };
}

async function countSent(url: string): Promise<number> {
  const { windows } = await readJson<{ windows: { requests: number }[] }>(`${url}/_sandbox/stats`);
  return windows.reduce((sum, { requests }) => sum + requests, 0);
}

/** The run is over, and its counters are what its rows say. */
async function checkRun(database: Database): Promise<string[]> {
  const { rows } = await database.pool.query(
    `select r.status, count_requests(r.number) as counts, count_items(r.number) as items,
      (select jsonb_object_agg(state, n) from (
        select state, count(*) as n from requests group by 1) q) as states,
      (select jsonb_object_agg(name, n) from (
        select d.name, count(*) as n from datasets d
        join dataset_items i on i.day = d.day and i.dataset_id = d.id group by 1) i) as stored
    from runs r`,
  );
  const [run] = rows;
  const { handled = 0, failed = 0 } = run.states;
  const counts = { total: handled + failed, handled, failed, pending: 0, claimed: 0, delayed: 0 };
  return [
    ...(rows.length === 1 && run.status === "SUCCEEDED" ? [] : [`the run is ${run.status}`]),
    ...differ("requests", run.counts, counts),
    ...differ("items", run.items, run.stored),
  ];
}

function differ(what: string, found: Record<string, number>, expected: Record<string, number>): string[] {
  return [...new Set([...Object.keys(found), ...Object.keys(expected)])]
    .filter((name) => found[name] !== expected[name])
    .map((name) => `${what} ${name}: ${found[name]} are counted, ${expected[name]} are there`);
}

async function compareItems(database: Database, url: string, names: string[]) {
  const storageDir = await mkdtemp(path.join(os.tmpdir(), "b9-items-"));
  try {
    for (const dataset of [...Object.keys(TABLES), "reddit_discoveries"]) {
      const folder = path.join(storageDir, "datasets", dataset);
      await mkdir(folder, { recursive: true });
      let number = 0;
      for await (const item of readRunItems(database.pool, RUN, dataset))
        await writeFile(path.join(folder, `${String(++number).padStart(9, "0")}.json`), JSON.stringify(item));
    }
    const crawled = { names, listings: DEFAULT_LISTINGS, isWhole: true };
    const compared = await compareWithTruth(url, storageDir, crawled);
    return {
      differences: compared.flatMap(({ differences }) => differences),
      found: compared.reduce((sum, { found }) => sum + found, 0),
    };
  } finally {
    await rm(storageDir, { recursive: true });
  }
}

async function readJson<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

if (import.meta.main) {
  const [subreddits = 300, rounds = 1] = process.argv.slice(2).map(Number);
  for (let round = 1; round <= rounds; round++) {
    const seed = Math.floor(1e6 * Math.random());
    const { differences, events, ...figures } = await crawlTogether({ subreddits, seed });
    process.stdout.write(`${JSON.stringify({ round, seed, ...figures })}\n  ${events.join("\n  ")}\n`);
    for (const line of differences.slice(0, 20)) process.stdout.write(`  WRONG ${line}\n`);
    if (differences.length > 0) process.exitCode = 1;
  }
}
