import TinyQueue from "tinyqueue";
import type { ClaimedRequest, Commit, CommitResult, NewRequest, RequestCounts } from "../run-storage.ts";
import type { ReclaimLine } from "./journal-lines.ts";
import { addEntry, fromSettled, giveBackEntry, toSettled } from "./queue-state.ts";
import type { EntryFields, QueueEntry, QueueState } from "./queue-state.ts";

/** Who may be claimed next, and who holds what. In memory only: whatever must last is in the journal before it is here. */
export class RequestQueue {
  readonly #state: QueueState;
  readonly #ready: TinyQueue<QueueEntry>;
  #delayed: TinyQueue<QueueEntry>;
  readonly #claimed = new Set<QueueEntry>();
  #failed = 0;

  constructor(state: QueueState) {
    this.#state = state;
    const entries = [...state.entries.values()];
    this.#ready = new TinyQueue(
      entries.filter((entry) => entry.notBefore === 0),
      byTurn,
    );
    this.#delayed = new TinyQueue(
      entries.filter((entry) => entry.notBefore !== 0),
      byNotBefore,
    );
    for (const settled of state.settled.values())
      if (fromSettled(settled).outcome === "failed") this.#failed++;
  }

  /** Nothing waits for longer than it was to, although the time of day was set back since. */
  limitDelays(now: number): void {
    for (const entry of this.#delayed.data)
      if (entry.delayMs !== undefined) entry.notBefore = Math.min(entry.notBefore, now + entry.delayMs);
    this.#delayed = new TinyQueue(this.#delayed.data, byNotBefore);
  }

  has(id: string): boolean {
    return this.#state.entries.has(id) || this.#state.settled.has(id);
  }

  isSettled(id: string): boolean {
    return this.#state.settled.has(id);
  }

  /** The number of a new call with `forefront`. */
  takeForefront(): number {
    return ++this.#state.forefronts;
  }

  /** False when it has been there before. */
  add(fields: EntryFields): boolean {
    const entry = addEntry(this.#state, fields);
    if (entry) this.#ready.push(entry);
    return entry !== null;
  }

  claim(limit: number, now: number): ClaimedRequest[] {
    this.#wake(now);
    const claimed: ClaimedRequest[] = [];
    while (claimed.length < limit) {
      const entry = this.#ready.pop();
      if (!entry) break;
      entry.claims++;
      this.#claimed.add(entry);
      claimed.push(this.#toClaimed(entry));
    }
    return claimed;
  }

  /** `owned`: the attempt holds the request now. */
  standing(id: string, attempt: number): CommitResult | "owned" {
    const settled = this.#state.settled.get(id);
    if (settled !== undefined) return fromSettled(settled).attempt === attempt ? "done" : "lost";
    const entry = this.#state.entries.get(id);
    return entry && this.#claimed.has(entry) && this.#attempt(entry) === attempt ? "owned" : "lost";
  }

  /** Only for what its attempt owns. */
  settle(id: string, attempt: number, outcome: Commit["outcome"]): void {
    this.#claimed.delete(this.#owned(id));
    this.#state.entries.delete(id);
    this.#state.settled.set(id, toSettled(attempt, outcome));
    if (outcome === "failed") this.#failed++;
  }

  /** Only for what its attempt owns. */
  giveBack(reclaim: ReclaimLine): void {
    const entry = this.#owned(reclaim.id);
    this.#claimed.delete(entry);
    giveBackEntry(this.#state, entry, reclaim);
    this.#delayed.push(entry);
  }

  /** Everything that is handed out, as plain releases. */
  releases(): ReclaimLine[] {
    return [...this.#claimed].map((entry) => ({ id: entry.id, attempt: this.#attempt(entry) }));
  }

  counts(now: number): RequestCounts {
    this.#wake(now);
    return {
      total: this.#state.entries.size + this.#state.settled.size,
      pending: this.#ready.length,
      claimed: this.#claimed.size,
      delayed: this.#delayed.length,
      handled: this.#state.settled.size - this.#failed,
      failed: this.#failed,
    };
  }

  /** Milliseconds; `null` when nothing is delayed. */
  nextReadyIn(now: number): number | null {
    this.#wake(now);
    const next = this.#delayed.peek();
    return next ? next.notBefore - now : null;
  }

  #wake(now: number): void {
    for (let next = this.#delayed.peek(); next && next.notBefore <= now; next = this.#delayed.peek()) {
      this.#delayed.pop();
      this.#ready.push(next);
    }
  }

  #attempt(entry: QueueEntry): number {
    return entry.claims + this.#state.crashes;
  }

  #owned(id: string): QueueEntry {
    const entry = this.#state.entries.get(id);
    if (!entry || !this.#claimed.has(entry)) throw new Error(`request ${id} is not claimed`);
    return entry;
  }

  #toClaimed(entry: QueueEntry): ClaimedRequest {
    const request = JSON.parse(entry.json) as NewRequest;
    return {
      ...request,
      priority: entry.priority,
      id: entry.id,
      attempt: this.#attempt(entry),
      retryCount: entry.errorMessages.length,
      errorMessages: [...entry.errorMessages],
    };
  }
}

/** Forefront first, its last call before the others; then by priority; then the oldest. */
function byTurn(a: QueueEntry, b: QueueEntry): number {
  return b.forefront - a.forefront || b.priority - a.priority || a.order - b.order;
}

function byNotBefore(a: QueueEntry, b: QueueEntry): number {
  return a.notBefore - b.notBefore;
}
