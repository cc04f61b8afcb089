import type { Logger } from "pino";
import type { RunStorage } from "./run-storage.ts";
import type { CrawlStats } from "./stats.ts";

export interface ProgressOptions {
  stats: CrawlStats;
  storage: RunStorage;
  log: Logger;
  /** Where the moving line goes, when it is a terminal. */
  stream?: NodeJS.WriteStream;
}

/** What a crawl is at, at one moment. */
interface Snapshot {
  done: number;
  queued: number;
  failed: number;
  requestsPerMinute: number;
  items: number;
  waitedSecs: number;
  /** `null` while nothing was done. */
  etaSecs: number | null;
}

const LINE_MS = 500;
const LOG_MS = 10_000;
/** The rate is that of the last minute. */
const RATE_WINDOW_MS = 60_000;

/** A line that moves on a terminal, one log line every 10 s otherwise. Returns what stops it. */
export function startProgress({ stats, storage, log, stream = process.stderr }: ProgressOptions): () => void {
  const samples: { at: number; done: number }[] = [{ at: Date.now(), done: 0 }];
  const snapshot = async (): Promise<Snapshot> => {
    const { handled, failed, pending, delayed, claimed } = await storage.counts();
    const now = Date.now();
    const doneHere = stats.requestsFinished + stats.requestsFailed;
    samples.push({ at: now, done: doneHere });
    while (samples.length > 2 && samples[0]!.at < now - RATE_WINDOW_MS) samples.shift();
    const { at, done } = samples[0]!;
    const requestsPerMinute = Math.round(((doneHere - done) / Math.max(1, now - at)) * 60_000);
    const queued = pending + delayed + claimed;
    return {
      done: handled + failed,
      queued,
      failed,
      requestsPerMinute,
      items: stats.itemsPushed,
      waitedSecs: Math.round(stats.waitedMs / 1000),
      etaSecs: requestsPerMinute > 0 ? Math.round((queued / requestsPerMinute) * 60) : null,
    };
  };
  const isTerminal = stream.isTTY === true;
  const report = async () => {
    const now = await snapshot();
    if (isTerminal) stream.write(`\r\u001b[2K${formatLine(now).slice(0, (stream.columns ?? 80) - 1)}`);
    else log.info(now, "progress");
  };
  const timer = setInterval(() => void report(), isTerminal ? LINE_MS : LOG_MS);
  return () => {
    clearInterval(timer);
    if (isTerminal) stream.write("\r\u001b[2K");
  };
}

function formatLine({
  done,
  queued,
  failed,
  requestsPerMinute,
  items,
  waitedSecs,
  etaSecs,
}: Snapshot): string {
  const parts = [
    `${done} done`,
    `${queued} queued`,
    ...(failed ? [`${failed} failed`] : []),
    `${requestsPerMinute}/min`,
    `${items} items`,
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
