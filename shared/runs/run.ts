import { sql } from "kysely";
import { formatIssue, type Issue } from "../parse/issues.ts";

export const RUN_STATUSES = [
  "READY",
  "RUNNING",
  "SUCCEEDED",
  "FAILED",
  "TIMING-OUT",
  "TIMED-OUT",
  "ABORTING",
  "ABORTED",
] as const;

export type RunStatus = (typeof RUN_STATUSES)[number];

/** Who launched a run. */
export type RunOrigin = "API" | "SCHEDULER" | "CLI" | "WEB";

/** One run of an actor, as its row is by now. */
export interface Run {
  id: string;
  actor: string;
  status: RunStatus;
  /** Why it has this status, or what it is at. */
  statusMessage: string | null;
  /** The message was set from outside and outlives the run's end. */
  isStatusMessageTerminal: boolean;
  createdAt: Date;
  /** When its first attempt began. */
  startedAt: Date | null;
  finishedAt: Date | null;
  /** How many times a worker has taken it. */
  attempt: number;
  /** Name of the worker that has it, or had it last. */
  worker: string | null;
  /** Set while a worker has it. Past: the worker is lost. */
  leaseExpiresAt: Date | null;
  /** Of the last attempt's process; `null` when it ended by a signal, or has not ended. */
  exitCode: number | null;
  origin: RunOrigin;
  scheduleId: string | null;
  rerunOf: string | null;
  /** The higher, the sooner. */
  priority: number;
  options: RunOptions;
  /** Apify's names: memAvgBytes, memMaxBytes, memCurrentBytes, cpuAvgUsage, cpuMaxUsage, cpuCurrentUsage (percent of one core). */
  stats: Record<string, number>;
  /** The crawl's counters: requestsFinished, requestsFailed, requestsPending, … */
  progress: Record<string, unknown>;
  /** Sum of its calls' costs; up to a minute old while it runs. */
  costUsd: number;
  resurrectCount: number;
  /** Attempts in a row that were lost. */
  lostCount: number;
  /** Time that attempts took; the time between them does not count. */
  ranSecs: number;
  heartbeatAt: Date | null;
  /** Moves with every change. */
  modifiedAt: Date;
}

export interface RunOptions {
  memoryMbytes: number;
  /** 0: none. */
  timeoutSecs: number;
  maxItems: number | null;
  maxCostUsd: number | null;
  /** A failed attempt is repeated, up to three times in a row. */
  restartOnError: boolean;
}

const FINAL: ReadonlySet<RunStatus> = new Set(["SUCCEEDED", "FAILED", "TIMED-OUT", "ABORTED"]);

/** True when a run has ended; only a resurrection changes that. */
export function isFinal(status: RunStatus): boolean {
  return FINAL.has(status);
}

/** What is asked of it cannot be done in the state that the run is in. */
export class RunStateError extends Error {
  override name = "RunStateError";
}

/** Which limit of a token is reached. */
export type TokenLimit = "memory" | "runs" | "priority" | "storage";

/** Whoever asks may do this, but not so much of it. */
export class TokenLimitError extends Error {
  override name = "TokenLimitError";
  readonly limit: TokenLimit;

  constructor(limit: TokenLimit, message: string) {
    super(message);
    this.limit = limit;
  }
}

/** There is no such actor. */
export class UnknownActorError extends Error {
  override name = "UnknownActorError";
}

/** Nothing is due that could be used, and nothing else was asked for: there is no run. */
export class NothingDueError extends Error {
  override name = "NothingDueError";
}

/** An actor refuses a run input. */
export class InvalidRunInputError extends Error {
  override name = "InvalidRunInputError";
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[]) {
    super(`invalid input: ${issues.map(formatIssue).join("; ")}`);
    this.issues = issues;
  }
}

/** Selects a `Run` from `runs r`; `toRun` makes it of the row. */
export const RUN_COLUMNS = sql<RunRow>`
  r.id, r.actor, r.status, r.status_message as "statusMessage",
  r.status_message_is_terminal as "isStatusMessageTerminal", r.created_at as "createdAt",
  r.started_at as "startedAt", r.finished_at as "finishedAt", r.attempt, r.worker,
  r.lease_expires_at as "leaseExpiresAt", r.exit_code as "exitCode", r.origin, r.schedule_id as "scheduleId",
  r.rerun_of as "rerunOf", r.priority, r.memory_mbytes as "memoryMbytes", r.timeout_secs as "timeoutSecs",
  r.max_items as "maxItems", r.max_cost_usd as "maxCostUsd", r.restart_on_error as "restartOnError", r.stats,
  r.progress, r.cost_usd as "costUsd", r.resurrect_count as "resurrectCount", r.lost_count as "lostCount",
  r.ran_secs + attempt_secs(r, now()) as "ranSecs", r.heartbeat_at as "heartbeatAt", r.modified_at as "modifiedAt"`;

export type RunRow = Omit<Run, "options"> & RunOptions;

export function toRun(row: RunRow): Run {
  const { memoryMbytes, timeoutSecs, maxItems, maxCostUsd, restartOnError, ...run } = row;
  return { ...run, options: { memoryMbytes, timeoutSecs, maxItems, maxCostUsd, restartOnError } };
}
