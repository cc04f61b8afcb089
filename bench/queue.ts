import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { log } from "@crawlee/core";
import type { Commit, RunStorage } from "../shared/crawl/run-storage.ts";
import { openPostgresRunStorage } from "../shared/crawl/postgres/postgres-run-storage.ts";
import type { Database } from "../shared/db/database.ts";
import { formatTable } from "../shared/cli/table.ts";
import { type BenchCluster, openBenchDatabase, startBenchCluster } from "./bench-database.ts";
import { reportGoal } from "./goals.ts";
import { crawlWithCrawlee, createEmptyCrawler, emptyRequests } from "./overhead.ts";

/** Requests that a queue holds; all but the last `PENDING` are handled. */
const SIZES = [10_000, 100_000, 1_000_000, 2_000_000];
const PENDING = 10_000;
const GROUP = 25;
const WARM_UP = 1_000;
/** Every figure is the best of so many, taken in turn: other work on the machine only makes it smaller. */
const ROUNDS = 3;
const CRAWL_REQUESTS = 20_000;
const STOCK_REQUESTS = 2_000;
const RUN = "bench";

const GOALS = { perSecond: 5_000, flatness: 0.15, crawled: 3_000, ratio: 2.5, firstMs: 1_000 };

/**
 * Handled requests a second of a run's queue in Postgres: claims and commits alone, of one and of four processes, at
 * several sizes; through the crawler with an empty handler, beside BasicCrawler on MemoryStorage; and how soon the
 * first request of a large queue is there.
 * @returns whether the goals were met
 */
export async function benchQueue(): Promise<boolean> {
  const cluster = await startBenchCluster();
  try {
    const urls = new Map<number, string>();
    for (const size of SIZES) urls.set(size, await createQueue(cluster, size));
    const alone = await measureSizes(urls);
    const firstMs = await measureFirst(urls.get(1_000_000)!);
    const crawled = await measureCrawls(await cluster.createDatabase("crawl"));
    return report(alone, firstMs, crawled);
  } finally {
    await cluster.stop();
  }
}

interface Rates {
  one: number;
  four: number;
}

async function measureSizes(urls: Map<number, string>): Promise<Map<number, Rates>> {
  const best = new Map(SIZES.map((size) => [size, { one: 0, four: 0 }]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [size, url] of urls) {
      const rates = best.get(size)!;
      rates.one = Math.max(rates.one, await measureProcesses(url, 1));
      rates.four = Math.max(rates.four, await measureProcesses(url, 4));
    }
  }
  return best;
}

/** A run whose queue holds `size` requests, the last of them pending. */
async function createQueue(cluster: BenchCluster, size: number): Promise<string> {
  const url = await cluster.createDatabase(`queue_${size}`);
  const database = await openBenchDatabase(url);
  await database.pool.query("select open_run($1, 'bench', '{}')", [RUN]);
  await addHandled(database, size - PENDING);
  await addPending(database, PENDING);
  await database.close();
  return url;
}

async function addHandled({ pool }: Database, count: number): Promise<void> {
  await pool.query(
    `insert into requests (run_number, id, unique_key, url, label, user_data, priority, forefront, place, state,
      attempt, lease_owner, settled_at)
    select 1, request_id('old ' || n), 'old ' || n, 'http://127.0.0.1/old/' || n, 'BENCH', '{}', 0, 0,
      nextval('request_places'), 'handled', 1, 'somebody', now()
    from generate_series(1, $1::integer) n`,
    [count],
  );
  await pool.query("select count_up(1, array['total', 'handled'], array[$1::bigint, $1::bigint])", [count]);
  await pool.query("vacuum analyze requests");
}

async function addPending({ pool }: Database, count: number): Promise<void> {
  await pool.query(
    `select add_requests(1, jsonb_agg(jsonb_build_object('uniqueKey', gen_random_uuid(), 'label', 'BENCH',
      'url', 'http://127.0.0.1/' || n, 'userData', jsonb_build_object('page', n))))
    from generate_series(1, $1::integer) n`,
    [count],
  );
}

/** Requests a second of `processes` together, until nothing is pending; then fills the queue again. */
async function measureProcesses(url: string, processes: number): Promise<number> {
  const children = Array.from({ length: processes }, () => new Child(["drain", url]));
  const readLines = () => Promise.all(children.map((child) => child.readLine()));
  await readLines();
  const startedAt = performance.now();
  for (const child of children) child.go();
  const handled = (await readLines()).map(Number);
  const secs = (performance.now() - startedAt) / 1000;
  await Promise.all(children.map(({ exited }) => exited));
  const total = handled.reduce((sum, n) => sum + n, 0);
  if (total !== PENDING) throw new Error(`expected ${PENDING} handled requests, got ${total}`);
  const database = await openBenchDatabase(url);
  await addPending(database, PENDING);
  await database.pool.query("vacuum requests");
  await database.close();
  return total / secs;
}

/** Milliseconds from the opening of a run with a million handled requests and 100 k pending to its first request. */
async function measureFirst(url: string): Promise<number> {
  const database = await openBenchDatabase(url);
  await addPending(database, 90_000);
  const startedAt = performance.now();
  const storage = await openPostgresRunStorage({ database, runId: RUN });
  const [first] = await storage.claimRequests(1);
  const elapsedMs = performance.now() - startedAt;
  if (!first) throw new Error("expected a request");
  await storage.close();
  await database.close();
  return elapsedMs;
}

interface Crawled {
  kit: number;
  stock: number;
}

async function measureCrawls(url: string): Promise<Crawled> {
  const best: Crawled = { kit: 0, stock: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    best.kit = Math.max(best.kit, await measureCrawl(["crawl", url, `round${round}`]));
    best.stock = Math.max(best.stock, await measureCrawl(["stock"]));
  }
  return best;
}

async function measureCrawl(args: string[]): Promise<number> {
  const child = new Child(args);
  const line = await child.readLine();
  await child.exited;
  return Number(line);
}

function report(alone: Map<number, Rates>, firstMs: number, { kit, stock }: Crawled): boolean {
  const number = (n: number) => Math.round(n).toLocaleString("en-US");
  const rows = [...alone].map(([size, { one, four }]) => [number(size), number(one), number(four)]);
  print(`claims and commits alone, ${GROUP} a call, requests/s`);
  print(formatTable(["requests in the queue", "one process", "four"], rows));
  print("through BasicCrawler with an empty handler, requests/s");
  print(
    formatTable(
      ["", "handled/s"],
      [
        ["kit on Postgres", number(kit)],
        ["BasicCrawler, memory only", number(stock)],
      ],
    ),
  );
  const ones = [...alone.values()].map(({ one }) => one);
  const spread = 1 - Math.min(...ones) / Math.max(...ones);
  return [
    reportGoal(
      `one process alone at least ${number(GOALS.perSecond)}/s`,
      Math.min(...ones) >= GOALS.perSecond,
    ),
    reportGoal(
      `flat within ${GOALS.flatness * 100} %: ${(spread * 100).toFixed(1)} %`,
      spread <= GOALS.flatness,
    ),
    reportGoal(`through the crawler at least ${number(GOALS.crawled)}/s`, kit >= GOALS.crawled),
    reportGoal(
      `kit : BasicCrawler ${(kit / stock).toFixed(1)}, at least ${GOALS.ratio}`,
      kit / stock >= GOALS.ratio,
    ),
    reportGoal(
      `first request of 1 M handled and 100 k pending within ${GOALS.firstMs} ms: ${Math.round(firstMs)} ms`,
      firstMs < GOALS.firstMs,
    ),
  ].every(Boolean);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A measurement in a process of its own; it writes one line at a time. */
class Child {
  readonly exited: Promise<unknown>;
  readonly #process: ChildProcess;

  constructor(args: string[]) {
    this.#process = spawn(process.execPath, [import.meta.filename, ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.exited = once(this.#process, "exit");
  }

  go(): void {
    this.#process.stdin!.write("go\n");
  }

  async readLine(): Promise<string> {
    const failed = this.exited.then(() =>
      Promise.reject(new Error("the measurement ended without a figure")),
    );
    const [data] = (await Promise.race([once(this.#process.stdout!, "data"), failed])) as [Buffer];
    failed.catch(() => undefined);
    return data.toString().trim();
  }
}

/** In a process of its own: claims and commits until nothing is left. */
async function drain(url: string): Promise<void> {
  const database = await openBenchDatabase(url);
  await warmUp(database);
  const storage = await openPostgresRunStorage({ database, runId: RUN });
  print("ready");
  await once(process.stdin, "data");
  print(String(await handleAll(storage)));
  process.stdin.destroy();
  await storage.close();
  await database.close();
}

/** Compiled code and plans: a crawl has them after a second. */
async function warmUp(database: Database): Promise<void> {
  const runId = `warm-up-${process.pid}-${Date.now()}`;
  await database.pool.query("select open_run($1, 'bench', '{}')", [runId]);
  const storage = await openPostgresRunStorage({ database, runId });
  await storage.addRequests(emptyRequests(WARM_UP));
  await handleAll(storage);
  await storage.close();
}

/** The next claim is on its way while the last one is committed, as in a crawl. Returns how many there were. */
async function handleAll(storage: RunStorage): Promise<number> {
  let handled = 0;
  let next = storage.claimRequests(GROUP);
  for (let claimed = await next; claimed.length > 0; claimed = await next) {
    next = storage.claimRequests(GROUP);
    const commits = claimed.map(({ id, attempt }): Commit => ({
      id,
      attempt,
      outcome: "handled",
      items: [],
      children: [],
    }));
    await storage.commitRequests(commits);
    handled += claimed.length;
  }
  return handled;
}

/** In a process of its own: the kit on a queue of its own. */
async function crawl(url: string, runId: string): Promise<void> {
  const database = await openBenchDatabase(url);
  await database.pool.query("select open_run($1, 'bench', '{}')", [runId]);
  const storage = await openPostgresRunStorage({ database, runId });
  await storage.addRequests(emptyRequests(CRAWL_REQUESTS));
  const crawler = createEmptyCrawler(storage);
  await timed(CRAWL_REQUESTS, () => crawler.run());
  await storage.close();
  await database.close();
}

async function timed(requests: number, run: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  await run();
  print(String((requests / (performance.now() - startedAt)) * 1000));
}

if (import.meta.main) {
  log.setLevel(log.LEVELS.ERROR);
  const [what, url = "", runId = ""] = process.argv.slice(2);
  if (what === "drain") await drain(url);
  else if (what === "crawl") await crawl(url, runId);
  else await timed(STOCK_REQUESTS, await crawlWithCrawlee(STOCK_REQUESTS, false));
  process.exit();
}
