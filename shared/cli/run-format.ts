import type { ActorRun } from "apify-client";
import { formatSecs } from "../crawl/progress.ts";

/** A run as our server answers it: Apify's object and fields of our own. */
export type RunAnswer = ActorRun & {
  progress?: { requestsFinished?: number; requestsFailed?: number; requestsPending?: number } & Record<
    string,
    unknown
  >;
  /** `default`, and each dataset by its name. */
  storageIds?: { datasets: Record<string, string> };
  attempt?: number;
  worker?: string | null;
};

const FINAL = new Set(["SUCCEEDED", "FAILED", "TIMED-OUT", "ABORTED"]);

export function isOver({ status }: Pick<RunAnswer, "status">): boolean {
  return FINAL.has(status);
}

/** `12 done, 1 failed, 30 queued, 240/min`; empty before the first report. */
export function formatProgress({ progress = {} }: RunAnswer): string {
  const { requestsFinished, requestsFailed, requestsPending, requestsPerMinute } = progress;
  if (requestsFinished === undefined) return "";
  const parts = [
    `${count(requestsFinished)} done`,
    `${count(requestsFailed)} failed`,
    `${count(requestsPending)} queued`,
  ];
  if (typeof requestsPerMinute === "number") parts.push(`${count(requestsPerMinute)}/min`);
  return parts.join(", ");
}

/** How long it ran, all attempts together. */
export function formatDuration(run: RunAnswer): string {
  return formatSecs(Math.round(run.stats?.runTimeSecs ?? 0));
}

export function formatTime(date: Date | undefined | null): string {
  return date ? date.toISOString().slice(0, 19).replace("T", " ") : "–";
}

export function count(n: number | undefined): string {
  return (n ?? 0).toLocaleString("en-US");
}
