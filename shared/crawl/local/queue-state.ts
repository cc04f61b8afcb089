import type { Commit } from "../run-storage.ts";
import type { ReclaimLine } from "./journal-lines.ts";

/** A request that is not done with. */
export interface QueueEntry {
  readonly id: string;
  /** The `NewRequest` as JSON: compact, and out of reach of whoever added or claimed it. */
  readonly json: string;
  readonly priority: number;
  /** Which call with `forefront` added it, counted from 1; 0: none. */
  readonly forefront: number;
  /** Its place among equals. */
  readonly order: number;
  claims: number;
  /** One a counted retry. */
  errorMessages: readonly string[];
  /** Milliseconds since the epoch. */
  notBefore: number;
  /** How long before that it was given back, where it is known. */
  delayMs?: number | undefined;
}

/**
 * What a queue knows, however it came to know it: from its journal, or just now.
 *
 * A request's attempt is `claims + crashes`, and no number is given out twice. Claims are not written; giving a
 * request back is, with its attempt. So when a process dies, the journal lacks at most one claim a request: the one
 * that was never given back. `crashes` grows by one for such a process, which makes up for that claim.
 */
export interface QueueState {
  /** Oldest first. */
  entries: Map<string, QueueEntry>;
  /** Requests that are done with: twice the attempt, plus 1 when failed. One number, because there are millions. */
  settled: Map<string, number>;
  crashes: number;
  /** Requests that were ever added: the next one's `order`. */
  added: number;
  /** Calls with `forefront` so far. */
  forefronts: number;
}

export type EntryFields = Pick<QueueEntry, "id" | "json" | "priority" | "forefront"> &
  Partial<Pick<QueueEntry, "claims" | "errorMessages" | "notBefore" | "delayMs">>;

const NO_MESSAGES: readonly string[] = [];

/** `null` when the queue has seen the request. */
export function addEntry(state: QueueState, fields: EntryFields): QueueEntry | null {
  if (state.entries.has(fields.id) || state.settled.has(fields.id)) return null;
  const entry: QueueEntry = {
    id: fields.id,
    json: fields.json,
    priority: fields.priority,
    forefront: fields.forefront,
    order: state.added++,
    claims: fields.claims ?? 0,
    errorMessages: fields.errorMessages ?? NO_MESSAGES,
    notBefore: fields.notBefore ?? 0,
    delayMs: fields.delayMs,
  };
  state.entries.set(entry.id, entry);
  state.forefronts = Math.max(state.forefronts, entry.forefront);
  return entry;
}

export function giveBackEntry(state: QueueState, entry: QueueEntry, reclaim: ReclaimLine): void {
  entry.claims = reclaim.attempt - state.crashes;
  entry.notBefore = reclaim.notBefore ?? 0;
  entry.delayMs = reclaim.delayMs;
  if (reclaim.errorMessage !== undefined)
    entry.errorMessages = [...entry.errorMessages, reclaim.errorMessage];
}

export function toSettled(attempt: number, outcome: Commit["outcome"]): number {
  return attempt * 2 + (outcome === "failed" ? 1 : 0);
}

export function fromSettled(settled: number): { attempt: number; outcome: Commit["outcome"] } {
  return { attempt: settled >> 1, outcome: settled & 1 ? "failed" : "handled" };
}
