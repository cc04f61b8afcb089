import type { DatasetName } from "../datasets.ts";
import { roundTo } from "../parse/numbers.ts";
import type { CrawlResult } from "./crawl.ts";
import type { ActorDefinition } from "./define-actor.ts";
import type { Item } from "./run-storage.ts";
import type { BudgetUse, CrawlStats } from "./stats.ts";
import type { OutcomeKind } from "./outcome.ts";

/** What a run came to: the record `OUTPUT`. Counts of requests and items are the whole run's, resumed parts included. */
export interface RunSummary {
  actor: string;
  /** In the database; `null` for a local crawl. */
  runId: string | null;
  /** SUCCEEDED: nothing is left. ABORTED: stopped on request or at a limit. FAILED: could not go on. The last two can be resumed. */
  status: "SUCCEEDED" | "ABORTED" | "FAILED";
  statusMessage: string;
  startedAt: string;
  finishedAt: string;
  /** Of this process. */
  durationSecs: number;
  requestsFinished: number;
  requestsFailed: number;
  /** Still queued. */
  requestsPending: number;
  /** Sent by this process, retries included. */
  requestsSent: number;
  /** Attempts of this process that were given back. */
  requestsRetries: number;
  /** Sent by this process, by label. */
  requestsByLabel: Record<string, number>;
  /** Answers to this process, by outcome. */
  outcomes: Partial<Record<OutcomeKind, number>>;
  /** Items by dataset. */
  items: Record<string, number>;
  /** Requests given up, by `outcome/reason`. */
  failures: Record<string, number>;
  /** Time in which requests waited and no identity was open. */
  waitedSecs: number;
  /** What the run's calls have cost, resumed parts included. */
  costUsd: number;
  /** Calls and costs of this process, by provider. */
  usage: Record<string, { calls: number; costUsd: number }>;
  budgets: BudgetUse[];
  /** By subject: `requests` of this process, `failures` by `outcome/reason`, and what the actor counts. */
  subjects: Record<string, SubjectSummary>;
}

export interface SubjectSummary {
  requests: number;
  failures: Record<string, number>;
  counts: Record<string, number>;
}

const STATUS = {
  finished: "SUCCEEDED",
  stopped: "ABORTED",
  limited: "ABORTED",
  stalled: "FAILED",
  failed: "FAILED",
} as const;

export interface SummaryOptions {
  actor: ActorDefinition;
  runId: string | null;
  startedAt: Date;
  finishedAt: Date;
  durationMs: number;
  /** Items by dataset. */
  items: Record<string, number>;
  read: (dataset: DatasetName) => AsyncIterable<Item>;
}

export async function summarize(
  result: CrawlResult,
  stats: CrawlStats,
  options: SummaryOptions,
): Promise<RunSummary> {
  const { actor, runId, startedAt, finishedAt, durationMs, items, read } = options;
  const { counts } = result;
  const { failures, subjects } = await tally(actor, stats, read);
  return {
    actor: actor.name,
    runId,
    status: STATUS[result.end],
    statusMessage: result.reason ?? "all requests are done",
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    durationSecs: durationMs / 1000,
    requestsFinished: counts.handled,
    requestsFailed: counts.failed,
    requestsPending: counts.pending + counts.delayed + counts.claimed,
    requestsSent: stats.requestsSent,
    requestsRetries: stats.requestsRetried,
    requestsByLabel: stats.sentByLabel,
    outcomes: stats.outcomes,
    items,
    failures,
    waitedSecs: stats.waitedMs / 1000,
    costUsd: roundTo(stats.costUsd, 6),
    usage: stats.usage,
    budgets: stats.budgets,
    subjects,
  };
}

/** What the stored items say of failures and subjects. */
async function tally(
  actor: ActorDefinition,
  stats: CrawlStats,
  read: SummaryOptions["read"],
): Promise<Pick<RunSummary, "failures" | "subjects">> {
  const subjects: RunSummary["subjects"] = {};
  const subject = (name: string) => (subjects[name] ??= { requests: 0, failures: {}, counts: {} });
  for (const [name, requests] of stats.sentBySubject) subject(name).requests = requests;
  const failures: Record<string, number> = {};
  for await (const item of read("failed_requests")) {
    const reason = `${item["outcome"]}/${item["reason"]}`;
    addOne(failures, reason);
    if (typeof item["subject"] === "string") addOne(subject(item["subject"]).failures, reason);
  }
  const counted = Object.entries((await actor.countBySubject?.(read)) ?? {});
  for (const [name, counts] of counted) subject(name).counts = counts;
  return { failures, subjects };
}

function addOne(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
