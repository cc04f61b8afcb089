import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs } from "../crawl/backoff.ts";
import { steadyNow } from "../steady-clock.ts";
import { DatabaseError } from "./errors.ts";

export interface RetryOptions {
  /** How long the database may be away. @default 300_000 */
  maxMs?: number;
  /** Errors that may pass. @default `isPassing` */
  passes?: (error: unknown) => boolean;
  /** Called before each new try. */
  onRetry?: (error: Error, delayMs: number) => void;
}

/** Classes and codes of Postgres that say: no connection, or none now. @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
const PASSING_SQLSTATES = /^(08...|57P0[1235]|53300|25P0[34])$/;
/**
 * It takes nothing for want of room, or what it stands on is in trouble: disk_full, out_of_memory, io_error,
 * read_only_sql_transaction (a hosted database whose disk is full, a server that is being replaced).
 */
const FULL_SQLSTATES = /^(53100|53200|58030|25006)$/;
/** Of two transactions that wait for each other, one is undone whole; so is one whose rows moved under it. */
const UNDONE_SQLSTATES = /^(40P01|40001)$/;
const PASSING_SYSTEM_ERRORS = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ENOENT",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "ENOTFOUND",
]);
/** A pooler's, with the code of a lost connection: it hands out no connection with such settings, now or later. */
export const REFUSED_SETTINGS = /unsupported startup parameter/;
/** What `pg` says without a code when a connection is lost, or none can be had. */
const PASSING_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable|Client was closed/;

/**
 * Repeats `operation` while the database is away, restarting, full, or has undone the transaction as a whole; any other
 * error is thrown at once. The operation must bear being done twice: where its answer got lost, it was done.
 * @throws {DatabaseError} when the database stays away for longer than `maxMs`
 */
export async function withRetry<Result>(
  operation: () => Promise<Result>,
  { maxMs = 300_000, passes = isPassing, onRetry }: RetryOptions = {},
): Promise<Result> {
  const until = steadyNow() + maxMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      if (!passes(error)) throw error;
      const delayMs = backoffMs(attempt, null, { baseMs: 50, maxMs: 5_000 });
      if (steadyNow() + delayMs > until) {
        throw new DatabaseError(
          `the database ${isFull(error) ? "could store nothing" : "did not answer"} for ${Math.round(maxMs / 1000)} s: ${messageOf(error)}`,
          { cause: error },
        );
      }
      onRetry?.(error as Error, delayMs);
      await sleep(delayMs);
    }
  }
}

/** True for errors that say nothing about the statement: it may well succeed when tried again. */
export function isPassing(error: unknown): boolean {
  return isBrief(error) || isFull(error);
}

/** As `isPassing`, of what passes while somebody waits for an answer: a full disk may take a day. */
export function isBrief(error: unknown): boolean {
  return isAway(error) || UNDONE_SQLSTATES.test(codeOf(error));
}

/** True for errors that say: the database answers, but can store nothing for now. */
export function isFull(error: unknown): boolean {
  return FULL_SQLSTATES.test(codeOf(error));
}

/** True for errors that say: the database cannot be reached, or takes nothing now. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Several addresses were tried: Node's own wrapper has no message.
  if (error instanceof AggregateError) return error.errors.every(isAway);
  if (REFUSED_SETTINGS.test(error.message)) return false;
  const code = codeOf(error);
  return (
    PASSING_SQLSTATES.test(code) || PASSING_SYSTEM_ERRORS.has(code) || PASSING_MESSAGES.test(error.message)
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error ? ((error as { code?: string }).code ?? "") : "";
}

function messageOf(error: unknown): string {
  return error instanceof AggregateError ? error.errors.map(messageOf).join("; ") : (error as Error).message;
}
