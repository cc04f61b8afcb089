import type { Logger } from "pino";
import { steadyNow } from "../steady-clock.ts";
import type { OutcomeKind } from "./outcome.ts";
import { StorageError, type RunStorage } from "./run-storage.ts";
import type { BudgetUse, CrawlStats } from "./stats.ts";

/** What a crawl is at, at one moment. Counts of requests are the whole run's, the rest is this process's. */
export interface CrawlProgress {
  requestsTotal: number;
  requestsFinished: number;
  requestsFailed: number;
  /** Still queued. */
  requestsPending: number;
  /** Sent, retries included. */
  requestsSent: number;
  /** Attempts that were given back. */
  requestsRetries: number;
  /** Items stored, doubles included. */
  itemsPushed: number;
  /** Of the last minute. */
  requestsPerMinute: number;
  itemsPerMinute: number;
  /** Time in which requests waited and no identity was open. */
  waitedSecs: number;
  /** Until nothing is left at the present rate; `null` while nothing is done. */
  etaSecs: number | null;
  /** Answers by outcome. */
  outcomes: Partial<Record<OutcomeKind, number>>;
  budgets: BudgetUse[];
}

/** The rates are those of the last minute. */
const RATE_WINDOW_MS = 60_000;

/** Returns what reads the progress of a crawl that begins now. */
export function createProgressReader(
  stats: CrawlStats,
  storage: Pick<RunStorage, "counts">,
): () => Promise<CrawlProgress> {
  const samples = [{ at: steadyNow(), done: 0, items: 0 }];
  return async () => {
    const { total, handled, failed, pending, delayed, claimed } = await storage.counts();
    const now = {
      at: steadyNow(),
      done: stats.requestsFinished + stats.requestsFailed,
      items: stats.itemsPushed,
    };
    samples.push(now);
    while (samples.length > 2 && samples[0]!.at < now.at - RATE_WINDOW_MS) samples.shift();
    const first = samples[0]!;
    const perMinute = (what: "done" | "items") =>
      Math.round(((now[what] - first[what]) / Math.max(1, now.at - first.at)) * 60_000);
    const requestsPerMinute = perMinute("done");
    const requestsPending = pending + delayed + claimed;
    return {
      requestsTotal: total,
      requestsFinished: handled,
      requestsFailed: failed,
      requestsPending,
      requestsSent: stats.requestsSent,
      requestsRetries: stats.requestsRetried,
      itemsPushed: stats.itemsPushed,
      requestsPerMinute,
      itemsPerMinute: perMinute("items"),
      waitedSecs: Math.round(stats.waitedMs / 1000),
      etaSecs: requestsPerMinute > 0 ? Math.round((requestsPending / requestsPerMinute) * 60) : null,
      outcomes: { ...stats.outcomes },
      budgets: stats.budgets,
    };
  };
}

export interface ProgressOptions {
  read: () => Promise<CrawlProgress>;
  log: Logger;
  onProgress?: ((progress: CrawlProgress) => void) | undefined;
  /** Where the moving line goes, when it is a terminal. */
  stream?: NodeJS.WriteStream;
}

const LINE_MS = 500;
const LOG_MS = 10_000;
const CALLBACK_MS = 2_000;

/** A line that moves on a terminal, one log line every 10 s otherwise. Returns what stops it. */
export function startProgress({
  read,
  log,
  onProgress,
  stream = process.stderr,
}: ProgressOptions): () => void {
  const isTerminal = stream.isTTY === true;
  const show = (progress: CrawlProgress) => {
    if (isTerminal) stream.write(`\r\u001b[2K${formatLine(progress).slice(0, (stream.columns ?? 80) - 1)}`);
    else log.info(toLogFields(progress), "progress");
  };
  const stops = [
    repeat(isTerminal ? LINE_MS : LOG_MS, async () => show(await read())),
    ...(onProgress ? [repeat(CALLBACK_MS, async () => onProgress(await read()))] : []),
  ];
  return () => {
    for (const stop of stops) stop();
    if (isTerminal) stream.write("\r\u001b[2K");
  };
}

/** Not while one is under way: a storage that is away for a while must not be asked a hundred times at once. */
function repeat(everyMs: number, report: () => Promise<void>): () => void {
  let isReporting = false;
  const timer = setInterval(() => {
    if (isReporting) return;
    isReporting = true;
    report()
      // What is wrong with the storage ends the crawl, which says it.
      .catch((error: unknown) => {
        if (!(error instanceof StorageError)) throw error;
      })
      .finally(() => (isReporting = false));
  }, everyMs);
  return () => clearInterval(timer);
}

function toLogFields(progress: CrawlProgress): object {
  const { requestsFinished, requestsFailed, requestsPending, requestsPerMinute, itemsPushed } = progress;
  const { waitedSecs, etaSecs } = progress;
  return {
    done: requestsFinished + requestsFailed,
    queued: requestsPending,
    failed: requestsFailed,
    requestsPerMinute,
    items: itemsPushed,
    waitedSecs,
    etaSecs,
  };
}

function formatLine(progress: CrawlProgress): string {
  const { requestsFinished, requestsFailed, requestsPending, requestsPerMinute, itemsPushed } = progress;
  const { waitedSecs, etaSecs } = progress;
  const parts = [
    `${requestsFinished + requestsFailed} done`,
    `${requestsPending} queued`,
    ...(requestsFailed ? [`${requestsFailed} failed`] : []),
    `${requestsPerMinute}/min`,
    `${itemsPushed} items`,
    ...(waitedSecs ? [`waited ${waitedSecs} s`] : []),
    `ETA ${etaSecs === null ? "–" : formatSecs(etaSecs)}`,
  ];
  return parts.join(" · ");
}

/** `45 s`, `3 min`, `2 h 5 min`. */
export function formatSecs(secs: number): string {
  if (secs < 90) return `${Math.round(secs)} s`;
  const minutes = Math.round(secs / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
