import path from "node:path";
import { mkdir, readFile } from "node:fs/promises";
import type { Logger } from "pino";
import { readConfig, type Config } from "../config.ts";
import { InvalidInputError } from "../errors.ts";
import { createLogger, logCrawleeTo } from "../log.ts";
import { createCrawl, type Crawl, type CrawlResult } from "./crawl.ts";
import type { ActorDefinition } from "./define-actor.ts";
import { createHttpClient } from "./http-client.ts";
import { parseInput } from "./input.ts";
import { openLocalRunStorage, purgeLocalStorage } from "./local/local-run-storage.ts";
import { Records } from "./local/records.ts";
import { startProgress } from "./progress.ts";
import { StorageError } from "./run-storage.ts";
import { summarize, type RunSummary } from "./summary.ts";

export interface RunActorOptions {
  /** The run input; without it, the record `INPUT` of the storage folder. */
  input?: unknown;
  /** Go on with the crawl that the storage folder holds, instead of a fresh one. @default false */
  resume?: boolean;
  maxConcurrency?: number;
  config?: Config;
  log?: Logger;
}

export interface RunActorResult {
  /** 0 finished or stopped on request, 1 failed (resumable), 2 invalid input or configuration. */
  exitCode: 0 | 1 | 2;
  /** `null` when the run did not start. */
  summary: RunSummary | null;
}

/**
 * Runs an actor as a local crawl: input and results in the storage folder, no server. What `main.ts` of an
 * actor and `b9 crawl` call. SIGTERM and SIGINT end it gracefully, the second one at once.
 */
export async function runActor(
  actor: ActorDefinition,
  options: RunActorOptions = {},
): Promise<RunActorResult> {
  try {
    const config = options.config ?? readConfig();
    const log = options.log ?? createLogger({ level: config.logLevel });
    return await runLocally(actor, { ...options, config, log });
  } catch (error) {
    if (!(error instanceof InvalidInputError || error instanceof StorageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return { exitCode: error instanceof InvalidInputError ? 2 : 1, summary: null };
  }
}

type LocalOptions = RunActorOptions & { config: Config; log: Logger };

async function runLocally(actor: ActorDefinition, options: LocalOptions): Promise<RunActorResult> {
  const { config, log, resume = false, maxConcurrency = config.maxConcurrency } = options;
  const { storageDir } = config;
  const raw = options.input ?? (await readStoredInput(storageDir));
  // Everything that can be wrong is found before anything of the last crawl is touched.
  const input: unknown = parseInput(actor.input, raw);
  actor.site(config, input);

  // Crawlee's own progress would be told twice; its warnings are not.
  logCrawleeTo(log.child({}, { level: log.isLevelEnabled("debug") ? log.level : "warn" }));
  const startedAt = new Date();
  await mkdir(storageDir, { recursive: true });
  if (!resume) {
    const removed = await purgeLocalStorage({ storageDir, name: actor.name });
    if (removed.length > 0) log.info({ removed }, "a fresh crawl: removed what the last one left");
  }
  const storage = await openLocalRunStorage({ storageDir, name: actor.name });
  for (const note of storage.notes) log.warn(note);
  const client = createHttpClient({
    connectTimeoutMs: config.connectTimeoutSecs * 1000,
    headersTimeoutMs: config.headersTimeoutSecs * 1000,
    bodyTimeoutMs: config.bodyTimeoutSecs * 1000,
    maxBodyBytes: config.maxBodyMbytes * 1024 * 1024,
  });
  try {
    await storage.setRecord("INPUT", raw);
    if (resume) await storage.writeDatasets();
    const { max_requests: maxRequests, max_items: maxItems } = input as {
      max_requests?: number;
      max_items?: number;
    };
    const records = new Records(path.join(storageDir, "key_value_stores", actor.name));
    const crawl = createCrawl({
      actor,
      input,
      storage,
      records,
      client,
      config,
      log,
      maxConcurrency,
      ...(maxRequests !== undefined && { maxRequests }),
      ...(maxItems !== undefined && { maxItems }),
    });
    logEstimate(log, actor, input, crawl);
    const result = await runUntilSignal(
      crawl,
      () => startProgress({ stats: crawl.stats, storage, log }),
      log,
    );
    const items = await storage.writeDatasets();
    const summary = await summarize(result, crawl.stats, {
      actor,
      startedAt,
      finishedAt: new Date(),
      items,
      storageDir,
    });
    await storage.setRecord("OUTPUT", summary);
    logEnd(log, result);
    return { exitCode: summary.status === "FAILED" ? 1 : 0, summary };
  } finally {
    await storage.close();
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

async function readStoredInput(storageDir: string): Promise<unknown> {
  const file = path.join(storageDir, "key_value_stores", "default", "INPUT.json");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new InvalidInputError(`no input: give one with --input, or write it to ${file}`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidInputError(`${file}: expected JSON: ${(error as Error).message}`, { cause: error });
  }
}

async function runUntilSignal(
  crawl: Crawl,
  startProgressLine: () => () => void,
  log: Logger,
): Promise<CrawlResult> {
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (++signals > 1) process.exit(1);
    log.warn(`${signal}: requests in flight finish, nothing new starts; once more to end at once`);
    crawl.stop(`stopped by ${signal}; --resume goes on`);
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  const stopProgress = startProgressLine();
  try {
    return await crawl.run();
  } finally {
    stopProgress();
    process.off("SIGTERM", onSignal).off("SIGINT", onSignal);
  }
}

function logEnd(log: Logger, { end, reason, counts }: CrawlResult): void {
  if (end === "finished") log.info(counts, "crawl finished");
  else log.warn(counts, `crawl ${end}: ${reason}`);
}
