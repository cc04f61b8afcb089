import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { BasicCrawler } from "@crawlee/basic";
import { Configuration, log, RequestQueue } from "@crawlee/core";
import { MemoryStorage } from "@crawlee/memory-storage";
import { CookieJar } from "tough-cookie";
import { LocalBudget } from "../shared/crawl/budget.ts";
import { createCrawler, type Crawler } from "../shared/crawl/crawler.ts";
import { Health, type Identity } from "../shared/crawl/identity.ts";
import { LocalTurnstile } from "../shared/crawl/turnstile.ts";
import { IdentityPool } from "../shared/crawl/identity-pool.ts";
import { openLocalRunStorage } from "../shared/crawl/local/local-run-storage.ts";
import type { NewRequest, RunStorage } from "../shared/crawl/run-storage.ts";
import type { HttpClient } from "../shared/crawl/http-client.ts";
import type { Site } from "../shared/crawl/site.ts";
import { ThrottledQueue } from "../shared/crawl/throttled-queue.ts";
import { formatTable } from "../shared/cli/table.ts";

/**
 * What the kit costs a request that does nothing: no network, no limits, an empty handler. Handled requests a
 * second and CPU a request, beside BasicCrawler on MemoryStorage without and with persistence. Each in a process
 * of its own.
 */
const VARIANTS = {
  "kit on the local journal": crawlWithKit,
  "BasicCrawler, memory only": (requests: number) => crawlWithCrawlee(requests, false),
  "BasicCrawler, persisted": (requests: number) => crawlWithCrawlee(requests, true),
};
type Variant = keyof typeof VARIANTS;

/** Crawlee gets slower with every request that its queue holds: with few it looks best. */
const REQUESTS: Record<Variant, number> = {
  "kit on the local journal": 20_000,
  "BasicCrawler, memory only": 2_000,
  "BasicCrawler, persisted": 2_000,
};

const CONCURRENCY = 20;

interface Figures {
  perSecond: number;
  cpuMs: number;
}

/** @returns whether the goal was met: at least twice BasicCrawler in memory. */
export function benchOverhead(): boolean {
  const figures = (Object.keys(VARIANTS) as Variant[]).map(
    (variant) => [variant, measureInChild(variant)] as const,
  );
  const rows = figures.map(([variant, { perSecond, cpuMs }]) => [
    variant,
    REQUESTS[variant].toLocaleString("en-US"),
    Math.round(perSecond).toLocaleString("en-US"),
    cpuMs.toFixed(2),
  ]);
  process.stdout.write(formatTable(["", "requests", "handled/s", "CPU ms/request"], rows));
  const ratio = figures[0]![1].perSecond / figures[1]![1].perSecond;
  process.stdout.write(`\nkit : BasicCrawler in memory = ${ratio.toFixed(2)} (goal: at least 2)\n`);
  return ratio >= 2;
}

function measureInChild(variant: Variant): Figures {
  const { stdout, status } = spawnSync(process.execPath, [import.meta.filename, variant], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`${variant}: the measurement ended with code ${status}`);
  return JSON.parse(stdout) as Figures;
}

async function crawlWithKit(requests: number): Promise<() => Promise<void>> {
  const storageDir = await mkdtemp(path.join(os.tmpdir(), "b9-bench-"));
  const storage = await openLocalRunStorage({ storageDir, name: "bench" });
  await storage.addRequests(emptyRequests(requests));
  const crawler = createEmptyCrawler(storage);
  return async () => {
    await crawler.run();
    await storage.close();
    await rm(storageDir, { recursive: true });
  };
}

export function emptyRequests(count: number): NewRequest[] {
  return urls(count).map((url) => ({ url, uniqueKey: url, label: "BENCH", userData: {} }));
}

const NOWHERE: Site = {
  name: "nowhere",
  needsToken: false,
  rules: {},
  wireRequest: (url) => ({ url, headers: {} }),
  readBudget: () => null,
};
const NO_CLIENT: HttpClient = {
  send: () => Promise.reject(new Error("there is no network")),
  close: () => {},
};

/** The kit without a network: it handles whatever the storage holds by doing nothing. */
export function createEmptyCrawler(storage: RunStorage): Crawler {
  const pool = new IdentityPool([unlimitedIdentity()], () => crawler.wake());
  const queue = new ThrottledQueue({
    storage,
    lanes: [{ site: NOWHERE, client: NO_CLIENT, pool, hasFallback: false }],
    wake: () => crawler.wake(),
    onFatal: (error) => {
      throw error;
    },
    onOwnFaults: (reason) => {
      throw new Error(reason);
    },
  });
  const crawler: Crawler = createCrawler({
    queue,
    maxConcurrency: CONCURRENCY,
    memoryMbytes: 4096,
    handlerTimeoutSecs: 60,
    async handle(request) {
      const lease = queue.lease(request);
      queue.exchanged(lease, { kind: "ok", status: 200, headers: {}, body: null }, null);
      const { id, attempt } = lease.request;
      const commit = { id, attempt, outcome: "handled" as const, items: [], children: [] };
      lease.settlement = { kind: "commit", commit };
    },
  });
  return crawler;
}

export async function crawlWithCrawlee(
  requests: number,
  persistStorage: boolean,
): Promise<() => Promise<void>> {
  const localDataDirectory = await mkdtemp(path.join(os.tmpdir(), "b9-bench-"));
  const config = new Configuration({
    memoryMbytes: 4096,
    storageClient: new MemoryStorage({ persistStorage, localDataDirectory }),
  });
  const requestQueue = await RequestQueue.open("bench", { config });
  await requestQueue.addRequests(urls(requests).map((url) => ({ url })));
  const crawler = new BasicCrawler(
    {
      requestQueue,
      useSessionPool: false,
      autoscaledPoolOptions: {
        maxConcurrency: CONCURRENCY,
        desiredConcurrency: CONCURRENCY,
        systemStatusOptions: { maxCpuOverloadedRatio: 1 },
      },
      requestHandler: async () => {},
    },
    config,
  );
  return async () => {
    await crawler.run();
    await rm(localDataDirectory, { recursive: true, force: true });
  };
}

function urls(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `http://127.0.0.1/${i}`);
}

function unlimitedIdentity(): Identity {
  const turnstile = new LocalTurnstile();
  const budget = new LocalBudget("unlimited", { requests: Number.MAX_SAFE_INTEGER, windowMs: 3_600_000 });
  return {
    name: "bench",
    userAgent: "bench",
    proxyUrl: null,
    credential: null,
    budget,
    turnstile: () => turnstile,
    cookies: new CookieJar(),
    health: new Health(),
  };
}

if (import.meta.main) {
  log.setLevel(log.LEVELS.ERROR);
  const variant = process.argv[2] as Variant;
  const run = await VARIANTS[variant](REQUESTS[variant]);
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await run();
  const secs = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const figures: Figures = {
    perSecond: REQUESTS[variant] / secs,
    cpuMs: (user + system) / 1000 / REQUESTS[variant],
  };
  process.stdout.write(JSON.stringify(figures));
}
