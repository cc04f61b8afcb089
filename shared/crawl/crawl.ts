import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { attemptRequest, type RecordStore } from "./attempt.ts";
import type { Budget } from "./budget.ts";
import { createCrawler } from "./crawler.ts";
import type { ActorDefinition } from "./define-actor.ts";
import { createExchange } from "./exchange.ts";
import type { HttpClient } from "./http-client.ts";
import { type BudgetOwner, createIdentities } from "./identities.ts";
import { IdentityPool } from "./identity-pool.ts";
import type { RequestCounts, RunStorage } from "./run-storage.ts";
import { CrawlStats } from "./stats.ts";
import { ThrottledQueue } from "./throttled-queue.ts";

export interface CrawlOptions<Input> {
  actor: ActorDefinition;
  /** Already parsed with the actor's schema. */
  input: Input;
  storage: RunStorage;
  /** Outlive the run. */
  records: RecordStore;
  client: HttpClient;
  config: Config;
  log: Logger;
  /** Requests in flight at once. */
  maxConcurrency: number;
  /** Requests sent in all. @default Infinity */
  maxRequests?: number;
  /** Items of the primary dataset; what is in flight may add a few. @default Infinity */
  maxItems?: number;
  /** `wake`: it may have opened for another reason than time. @default budgets of this process alone */
  createBudget?: (owner: BudgetOwner, wake: () => void) => Budget;
}

/** How a crawl ended. */
export interface CrawlResult {
  /** `finished`: nothing is left. The others leave the rest queued. */
  end: "finished" | "stopped" | "limited" | "stalled" | "failed";
  /** Why it did not finish; `null` when it did. */
  reason: string | null;
  counts: RequestCounts;
}

export interface Crawl {
  readonly stats: CrawlStats;
  /** @throws never for what a site or a handler does; only when the crawl cannot be set up */
  run(): Promise<CrawlResult>;
  /** In-flight requests finish and commit, nothing new starts. What takes longer than 20 s is given back to the queue. */
  stop(reason: string): void;
}

const STALL_CHECK_MS = 1_000;
/** A run has 30 s from the request to end until it has ended, with its storage and its summary. */
const STOP_GRACE_MS = 20_000;

/** The crawl of one run input over any run storage: Crawlee runs the handlers, the throttled queue feeds them. */
export function createCrawl<Input>(options: CrawlOptions<Input>): Crawl {
  const { actor, input, storage, records, client, config, log, maxConcurrency } = options;
  const { maxRequests, maxItems = Infinity, createBudget } = options;
  const { site, identities: specs } = actor.site(config, input);
  const stats = new CrawlStats();
  const wake = () => crawler.wake();
  const identities = createIdentities(specs, {
    site,
    client,
    config,
    ...(createBudget && { createBudget: (owner) => createBudget(owner, wake) }),
  });
  const pool = new IdentityPool(identities, wake, { log });
  let ending: Pick<CrawlResult, "end" | "reason"> | null = null;
  let stopTimer: NodeJS.Timeout | undefined;
  const end = (how: CrawlResult["end"], reason: string) => {
    ending ??= { end: how, reason };
    queue.stop();
  };
  const queue = new ThrottledQueue({
    storage,
    pool,
    ...(maxRequests !== undefined && { maxRequests }),
    wake,
    onFatal: (error) => {
      log.error({ err: error }, "the run storage failed; the crawl ends");
      end("failed", error.message);
    },
    async onSettled(settlement, result) {
      stats.settled(settlement, result);
      if (settlement.kind !== "commit" || result === "lost") return;
      for (const [key, value] of settlement.records ?? []) await records.set(key, value);
      if (maxItems === Infinity) return;
      const { [actor.primaryDataset]: items = 0 } = await storage.itemCounts();
      if (items >= maxItems) end("limited", `the limit of ${maxItems} items is reached`);
    },
  });
  stats.start(pool, queue);
  const exchange = createExchange({ actor, site, client, queue, stats, log });
  const crawler = createCrawler({
    queue,
    maxConcurrency,
    memoryMbytes: config.memoryMbytes,
    handlerTimeoutSecs: config.handlerTimeoutSecs + 30,
    async handle(request) {
      const lease = queue.lease(request);
      lease.settlement = await attemptRequest(lease, {
        actor,
        records,
        storage,
        exchange,
        timeoutMs: config.handlerTimeoutSecs * 1000,
      });
    },
  });
  return {
    stats,
    stop(reason) {
      end("stopped", reason);
      stopTimer ??= setTimeout(() => {
        log.warn(`${queue.inFlightCount} requests did not finish in time: they are given back`);
        void crawler.abort();
      }, STOP_GRACE_MS);
    },
    async run() {
      const stallCheck = setInterval(() => {
        void queue.stallReason(config.maxStallSecs * 1000).then((reason) => reason && end("stalled", reason));
      }, STALL_CHECK_MS);
      try {
        await storage.addRequests(actor.startRequests(input));
        await crawler.run();
      } finally {
        clearInterval(stallCheck);
        clearTimeout(stopTimer);
        await queue.release();
      }
      const counts = await storage.counts();
      if (ending) return { ...ending, counts };
      if (queue.isExhausted && !(await storage.isFinished())) {
        return { end: "limited", reason: `the limit of ${maxRequests} requests is reached`, counts };
      }
      return { end: "finished", reason: null, counts };
    },
  };
}
