import { BasicCrawler } from "@crawlee/basic";
import { Configuration, EventManager, type EventType, type Request } from "@crawlee/core";
import { MemoryStorage } from "@crawlee/memory-storage";
import { steadyNow } from "../steady-clock.ts";
import type { ThrottledQueue } from "./throttled-queue.ts";

export interface CrawlerOptions {
  queue: ThrottledQueue;
  /** One attempt of a request that the queue handed out; never throws. */
  handle: (request: Request) => Promise<void>;
  maxConcurrency: number;
  /** Crawlee's last resort, beyond our own timeout of an attempt. */
  handlerTimeoutSecs: number;
  memoryMbytes: number;
}

export interface Crawler {
  /** Ends when the queue is finished, or stopped and nothing is in flight. */
  run(): Promise<void>;
  /** Look for work now. */
  wake(): void;
  /** Ends `run` at once; what is in flight goes on without it. */
  abort(): Promise<void>;
}

/** Crawlee's pool waits for a task that it started before it looks again (its 0.5 s interval is dead meanwhile). */
const HEARTBEAT_MS = 250;

/** A BasicCrawler as a small I/O-bound crawl needs it. Storage, sessions, retries and limits are not Crawlee's here. */
export function createCrawler(options: CrawlerOptions): Crawler {
  const { queue, handle, maxConcurrency, handlerTimeoutSecs, memoryMbytes } = options;
  const config = new Configuration({
    memoryMbytes,
    purgeOnStart: false,
    persistStorage: false,
    storageClient: new MemoryStorage({ persistStorage: false, writeMetadata: false }),
  });
  config.useEventManager(new ProcessEventManager(config));
  const crawler = new BasicCrawler(
    {
      // Documented as `requestManager`, which 3.18 refuses; any object with these methods will do.
      requestQueue: queue as never,
      requestHandler: ({ request }) => handle(request),
      requestHandlerTimeoutSecs: handlerTimeoutSecs,
      maxRequestRetries: Number.MAX_SAFE_INTEGER,
      useSessionPool: false,
      statisticsOptions: { saveErrorSnapshots: false, persistenceOptions: { enable: false } },
      autoscaledPoolOptions: {
        maxConcurrency,
        desiredConcurrency: maxConcurrency,
        loggingIntervalSecs: null,
        // A crawl that mostly waits for answers must not slow down for a busy neighbour.
        systemStatusOptions: { maxCpuOverloadedRatio: 1, maxEventLoopOverloadedRatio: 0.95 },
      },
    },
    config,
  );
  const wake = () => void crawler.autoscaledPool?.notify();
  return {
    wake,
    async run() {
      const events = config.getEventManager();
      await events.init();
      const heartbeat = setInterval(() => {
        dropCrawleeSigint();
        wake();
      }, HEARTBEAT_MS);
      try {
        await crawler.run();
      } finally {
        clearInterval(heartbeat);
        await events.close();
      }
    },
    async abort() {
      await crawler.autoscaledPool?.abort();
    },
  };
}

/** Memory of this process from the process itself: Crawlee's local manager starts `ps` every second. */
class ProcessEventManager extends EventManager {
  override async init(): Promise<void> {
    if (this.initialized) return;
    await super.init();
    this.#interval = setInterval(() => {
      // A const enum, which type stripping cannot read.
      this.emit("systemInfo" as EventType.SYSTEM_INFO, {
        // Of the samples' distance, a step of the time of day would make hours.
        createdAt: new Date(steadyNow()),
        memCurrentBytes: process.memoryUsage.rss(),
        cpuCurrentUsage: 0,
        isCpuOverloaded: false,
      });
    }, 1_000);
  }

  override async close(): Promise<void> {
    clearInterval(this.#interval);
    await super.close();
  }

  #interval: NodeJS.Timeout | undefined;
}

/** `run()` adds a SIGINT listener that aborts, with advice that is wrong here; the runtime has its own. */
function dropCrawleeSigint(): void {
  for (const listener of process.listeners("SIGINT")) {
    if (listener.name === "sigintHandler") process.off("SIGINT", listener);
  }
}
