import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { attemptRequest, type RecordStore } from "./attempt.ts";
import type { Budget } from "./budget.ts";
import { createCrawler } from "./crawler.ts";
import type { ActorDefinition, SiteAccess } from "./define-actor.ts";
import { createExchange } from "./exchange.ts";
import type { HttpClient } from "./http-client.ts";
import { type BudgetOwner, createIdentities } from "./identities.ts";
import { IdentityPool } from "./identity-pool.ts";
import type { Lane } from "./lane.ts";
import type { RequestCounts, RunStorage } from "./run-storage.ts";
import { CrawlStats } from "./stats.ts";
import { STALL_CHECK_MS, ThrottledQueue } from "./throttled-queue.ts";
import type { Turnstile } from "./turnstile.ts";
import { UsageLedger } from "./usage-ledger.ts";

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
  /** What the run's calls may cost in all. @default Infinity */
  maxCostUsd?: number;
  /** @default one that keeps nothing */
  ledger?: UsageLedger;
  /** Items of the primary dataset; what is in flight may add a few. @default Infinity */
  maxItems?: number;
  /** `wake`: it may have opened for another reason than time. @default budgets of this process alone */
  createBudget?: (owner: BudgetOwner, wake: () => void) => Budget;
  /** @default turnstiles of this process alone */
  createTurnstile?: (key: string, wake: () => void) => Turnstile;
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

/** A run has 30 s from the request to end until it has ended, with its storage and its summary. */
const STOP_GRACE_MS = 20_000;

/** The crawl of one run input over any run storage: Crawlee runs the handlers, the throttled queue feeds them. */
export function createCrawl<Input>(options: CrawlOptions<Input>): Crawl {
  const { actor, input, storage, records, client, config, log, maxConcurrency } = options;
  const { maxRequests, maxCostUsd, maxItems = Infinity, ledger = new UsageLedger() } = options;
  const { fallbacks = [], ...access } = actor.site(config, input);
  const stats = new CrawlStats();
  const wake = () => crawler.wake();
  const lanes = [access, ...fallbacks].map((one) =>
    createLane(one, { ...options, wake, hasFallback: one !== (fallbacks.at(-1) ?? access) }),
  );
  let ending: Pick<CrawlResult, "end" | "reason"> | null = null;
  let stopTimer: NodeJS.Timeout | undefined;
  const end = (how: CrawlResult["end"], reason: string) => {
    ending ??= { end: how, reason };
    queue.stop();
  };
  const queue = new ThrottledQueue({
    storage,
    lanes,
    ...(maxRequests !== undefined && { maxRequests }),
    ...(maxCostUsd !== undefined && {
      spending: { maxUsd: maxCostUsd, spentUsd: () => ledger.spentUsd },
    }),
    wake,
    onFatal: (error) => {
      log.error({ err: error }, "the run storage failed; the crawl ends");
      end("failed", error.message);
    },
    onOwnFaults(reason) {
      log.error(reason);
      end("failed", reason);
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
  stats.start(
    lanes.map(({ pool }) => pool),
    queue,
    ledger,
  );
  const exchange = createExchange({ actor, queue, stats, ledger, log });
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
        await storage.addRequests(actor.startRequests(input, config));
        await crawler.run();
      } finally {
        clearInterval(stallCheck);
        clearTimeout(stopTimer);
        await queue.release();
        for (const lane of lanes) if (lane.client !== client) await lane.client.close();
      }
      const counts = await storage.counts();
      if (ending) return { ...ending, counts };
      const { limitReached } = queue;
      if (limitReached !== null && !(await storage.isFinished()))
        return { end: "limited", reason: limitReached, counts };
      return { end: "finished", reason: null, counts };
    },
  };
}

type LaneOptions = Pick<
  CrawlOptions<unknown>,
  "client" | "config" | "log" | "createBudget" | "createTurnstile"
> & {
  wake: () => void;
  hasFallback: boolean;
};

function createLane({ site, identities: specs }: SiteAccess, options: LaneOptions): Lane {
  const { config, log, wake, hasFallback, createBudget, createTurnstile } = options;
  const client = site.createClient?.() ?? options.client;
  const identities = createIdentities(specs, {
    site,
    client,
    config,
    ...(createBudget && { createBudget: (owner) => createBudget(owner, wake) }),
    ...(createTurnstile && { createTurnstile: (key) => createTurnstile(key, wake) }),
  });
  return { site, client, pool: new IdentityPool(identities, wake, { log }), hasFallback };
}
