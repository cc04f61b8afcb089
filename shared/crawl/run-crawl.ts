import type { Logger } from "pino";
import { logCrawleeTo } from "./crawlee-log.ts";
import { createCrawl, type Crawl, type CrawlOptions, type CrawlResult } from "./crawl.ts";
import type { ActorDefinition } from "./define-actor.ts";
import { createHttpClient } from "./http-client.ts";
import { type CrawlProgress, createProgressReader, startProgress } from "./progress.ts";
import type { CrawlStats } from "./stats.ts";

/** How whoever started a crawl from a program watches, limits and ends it. */
export interface CrawlControls {
  /** As `max_items` of the input; the smaller one counts. */
  maxItems?: number;
  /**
   * Ends the crawl gracefully, as `CrawlOptions.stop` does; its reason, when a text, is in the run's message.
   * @default SIGTERM and SIGINT, and the second one ends the process at once
   */
  signal?: AbortSignal;
  /** Called every 2 s, and once at the end. */
  onProgress?: (progress: CrawlProgress) => void;
}

export interface RunCrawlOptions
  extends Omit<CrawlOptions<unknown>, "client" | "maxRequests" | "maxItems" | "maxCostUsd">, CrawlControls {
  /** What goes on with a crawl that was stopped. */
  goOn: string;
}

/** Crawls until nothing is left, or a signal ends it: the part that every run storage has in common. */
export async function runCrawl({
  goOn,
  signal,
  onProgress,
  maxItems = Infinity,
  ...options
}: RunCrawlOptions): Promise<{ result: CrawlResult; stats: CrawlStats }> {
  const { actor, input, storage, config, log } = options;
  // Crawlee's own progress would be told twice; its warnings are not.
  logCrawleeTo(log.child({}, { level: log.isLevelEnabled("debug") ? log.level : "warn" }));
  const client = createHttpClient({
    connectTimeoutMs: config.connectTimeoutSecs * 1000,
    headersTimeoutMs: config.headersTimeoutSecs * 1000,
    bodyTimeoutMs: config.bodyTimeoutSecs * 1000,
    maxBodyBytes: config.maxBodyMbytes * 1024 * 1024,
  });
  try {
    const limits = input as { max_requests?: number; max_items?: number; max_cost_usd?: number };
    const {
      max_requests: maxRequests,
      max_cost_usd: maxCostUsd,
      max_items: maxInputItems = Infinity,
    } = limits;
    const crawl = createCrawl({
      ...options,
      client,
      ...(maxRequests !== undefined && { maxRequests }),
      ...(maxCostUsd !== undefined && { maxCostUsd }),
      maxItems: Math.min(maxItems, maxInputItems),
    });
    logEstimate(log, actor, input, crawl);
    const readProgress = createProgressReader(crawl.stats, storage);
    const stopListening = listenForEnd(crawl, { signal, log, goOn });
    const stopProgress = startProgress({ read: readProgress, log, onProgress });
    try {
      const result = await crawl.run();
      logEnd(log, result);
      onProgress?.(await readProgress());
      return { result, stats: crawl.stats };
    } finally {
      stopProgress();
      stopListening();
    }
  } finally {
    await client.close();
  }
}

/** What the crawl will take, before it starts. */
function logEstimate(log: Logger, actor: ActorDefinition, input: unknown, { stats }: Crawl): void {
  const requests = actor.estimateRequests?.(input);
  if (requests === undefined) return;
  const allowed = stats.ceilings;
  const perMinute = allowed.reduce((sum, ceiling) => sum + ceiling.requests / (ceiling.windowMs / 60_000), 0);
  const atOnce = allowed.reduce((sum, ceiling) => sum + ceiling.requests, 0);
  const minutes =
    requests <= atOnce ? "less than one window of its budgets" : `${Math.ceil(requests / perMinute)} min`;
  log.info(
    `about ${requests} requests; ${allowed.length === 1 ? "one budget allows" : `${allowed.length} budgets allow`} ${Math.round(perMinute)}/min: ${minutes}`,
  );
}

/** Returns what ends the listening. */
function listenForEnd(
  crawl: Crawl,
  { signal, log, goOn }: { signal: AbortSignal | undefined; log: Logger; goOn: string },
): () => void {
  if (signal) {
    const onAbort = () => {
      const reason = typeof signal.reason === "string" ? signal.reason : "stopped on request";
      log.warn(`${reason}: requests in flight finish, nothing new starts`);
      crawl.stop(`${reason}; ${goOn} goes on`);
    };
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    return () => signal.removeEventListener("abort", onAbort);
  }
  let signals = 0;
  const onSignal = (name: NodeJS.Signals) => {
    if (++signals > 1) process.exit(1);
    log.warn(`${name}: requests in flight finish, nothing new starts; once more to end at once`);
    crawl.stop(`stopped by ${name}; ${goOn} goes on`);
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  return () => process.off("SIGTERM", onSignal).off("SIGINT", onSignal);
}

function logEnd(log: Logger, { end, reason, counts }: CrawlResult): void {
  if (end === "finished") log.info(counts, "crawl finished");
  else log.warn(counts, `crawl ${end}: ${reason}`);
}
