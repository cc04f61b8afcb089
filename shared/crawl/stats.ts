import type { IdentityPool } from "./identity-pool.ts";
import type { Outcome, OutcomeKind } from "./outcome.ts";
import type { Settlement, ThrottledQueue } from "./throttled-queue.ts";

/** What one budget was used for, in this process. */
export interface BudgetUse {
  name: string;
  /** Requests sent on it. */
  sent: number;
  /** Those answered with 429. */
  throttled: number;
  /** Requests left in its present window; `null` when no answer has told. */
  left: number | null;
}

/** Counters of one process's part in a crawl. */
export class CrawlStats {
  /** Answers by outcome. */
  readonly outcomes: Partial<Record<OutcomeKind, number>> = {};
  /** Requests sent, by label. */
  readonly sentByLabel: Record<string, number> = {};
  /** Requests whose handler's work was stored. */
  requestsFinished = 0;
  /** Requests given up for good. */
  requestsFailed = 0;
  /** Attempts that were given back. */
  requestsRetried = 0;
  /** Attempts whose work was void because another attempt owned the request. */
  requestsLost = 0;
  /** Items stored, doubles included. */
  itemsPushed = 0;
  #pool: IdentityPool | null = null;
  #queue: ThrottledQueue | null = null;

  start(pool: IdentityPool, queue: ThrottledQueue): void {
    this.#pool = pool;
    this.#queue = queue;
  }

  exchanged(label: string, outcome: Outcome | null): void {
    this.sentByLabel[label] = (this.sentByLabel[label] ?? 0) + 1;
    if (outcome) this.outcomes[outcome.kind] = (this.outcomes[outcome.kind] ?? 0) + 1;
  }

  settled(settlement: Settlement, result: "done" | "lost"): void {
    if (result === "lost") this.requestsLost++;
    else if (settlement.kind === "reclaim") this.requestsRetried++;
    else {
      this.itemsPushed += settlement.items.length;
      if (settlement.outcome === "failed") this.requestsFailed++;
      else this.requestsFinished++;
    }
  }

  /** Requests that went out. */
  get requestsSent(): number {
    return this.#queue?.sentCount ?? 0;
  }

  /** Time in which requests waited and no identity was open, in milliseconds. */
  get waitedMs(): number {
    return this.#queue?.waitedMs ?? 0;
  }

  get budgets(): BudgetUse[] {
    const budgets = new Set(this.#pool?.identities.map(({ budget }) => budget));
    return [...budgets].map((budget) => ({ name: budget.name, ...budget.stats }));
  }
}
