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
  /** The run's, as the actor takes it. */
  input: unknown;
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
  const { actor, input, runId, startedAt, finishedAt, durationMs, items, read } = options;
  const { counts } = result;
  const { failures, subjects, failed } = await tally(actor, stats, read);
  return {
    actor: actor.name,
    runId,
    status: STATUS[result.end],
    statusMessage: result.reason ?? describeDone(actor.targets?.(input) ?? {}, { failed, subjects }),
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
): Promise<Pick<RunSummary, "failures" | "subjects"> & { failed: FailedBySubject }> {
  const subjects: RunSummary["subjects"] = {};
  const subject = (name: string) => (subjects[name] ??= { requests: 0, failures: {}, counts: {} });
  for (const [name, requests] of stats.sentBySubject) subject(name).requests = requests;
  const failures: Record<string, number> = {};
  const failed: FailedBySubject = new Map();
  for await (const item of read("failed_requests")) {
    const reason = `${item["outcome"]}/${item["reason"]}`;
    addOne(failures, reason);
    const about = typeof item["subject"] === "string" ? item["subject"] : null;
    failed.set(about, [...(failed.get(about) ?? []), item]);
    if (typeof item["subject"] === "string") addOne(subject(item["subject"]).failures, reason);
  }
  const counted = Object.entries((await actor.countBySubject?.(read)) ?? {});
  for (const [name, counts] of counted) subject(name).counts = counts;
  return { failures, subjects, failed };
}

/** Items of `failed_requests` by their subject; `null`: about no single one. */
type FailedBySubject = Map<string | null, Item[]>;

/** What came of a run that has ended by itself: `3 of 20 subreddits: 2 private, 1 banned; 17 done`. */
function describeDone(
  targets: Record<string, string[]>,
  { failed, subjects }: { failed: FailedBySubject; subjects: RunSummary["subjects"] },
): string {
  const rest = new Map(failed);
  const parts = Object.entries(targets).flatMap(([what, names]) => {
    const states: Record<string, number> = {};
    for (const name of names) {
      const items = failed.get(name);
      if (!items || !rest.delete(name)) continue;
      const hasItems = Object.values(subjects[name]?.counts ?? {}).some((n) => n > 0);
      addOne(states, hasItems ? "incomplete" : stateOf(items));
    }
    return describeStates(what, names.length, states);
  });
  const all = [...failed.values()].flat();
  const more = [...rest.values()].flat().length;
  if (more > 0) parts.push(`${more} ${parts.length > 0 ? "more " : ""}in failed_requests`);
  const own = all.filter((item) => item["outcome"] === "handlerError").length;
  if (own > 0) parts.push(`${own} of them for faults of this program`);
  return parts.length > 0 ? parts.join("; ") : "all requests are done";
}

/** The fact about a target, in words; without one, something of it is missing. */
function stateOf(failed: readonly Item[]): string {
  const fact = failed.map((item) => item["availability"]).find((one) => typeof one === "string");
  return fact?.replace("_", " ") ?? "incomplete";
}

function describeStates(what: string, total: number, states: Record<string, number>): string[] {
  const missed = Object.values(states).reduce((sum, n) => sum + n, 0);
  if (missed === 0) return [];
  const entries = Object.entries(states).sort(([, a], [, b]) => b - a);
  const list = entries.map(([state, n]) => `${n} ${state}`).join(", ");
  const how = entries.length === 1 ? ` ${entries[0]![0]}` : `: ${list}`;
  return [`${missed} of ${total} ${what}${how}`, ...(missed < total ? [`${total - missed} done`] : [])];
}

function addOne(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
