import type { Budget, BudgetCeiling } from "./budget.ts";
import type { IdentityPool } from "./identity-pool.ts";
import { isCutOff, type Outcome, type OutcomeKind } from "./outcome.ts";
import type { Stored, ThrottledQueue } from "./throttled-queue.ts";
import type { UsageLedger } from "./usage-ledger.ts";

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
  /** Requests sent, by subject. */
  readonly sentBySubject = new Map<string, number>();
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
  #pools: readonly IdentityPool[] = [];
  #queue: ThrottledQueue | null = null;
  #ledger: UsageLedger | null = null;

  start(pools: readonly IdentityPool[], queue: ThrottledQueue, ledger: UsageLedger): void {
    this.#pools = pools;
    this.#queue = queue;
    this.#ledger = ledger;
  }

  exchanged(label: string, subject: string | null, outcome: Outcome | null): void {
    if (!isCutOff(outcome)) {
      if (subject !== null) this.sentBySubject.set(subject, (this.sentBySubject.get(subject) ?? 0) + 1);
      this.sentByLabel[label] = (this.sentByLabel[label] ?? 0) + 1;
    }
    if (outcome) this.outcomes[outcome.kind] = (this.outcomes[outcome.kind] ?? 0) + 1;
  }

  settled(settlement: Stored, result: "done" | "lost"): void {
    if (result === "lost") this.requestsLost++;
    else if (settlement.kind === "reclaim") this.requestsRetried++;
    else {
      this.itemsPushed += settlement.commit.items.length;
      if (settlement.commit.outcome === "failed") this.requestsFailed++;
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

  /** What calls have cost the run, US dollars; earlier processes included. */
  get costUsd(): number {
    return this.#ledger?.spentUsd ?? 0;
  }

  /** Calls and costs of this process, by provider. */
  get usage(): UsageLedger["totals"] {
    return this.#ledger?.totals ?? {};
  }

  /** What the operator allows each budget. */
  get ceilings(): BudgetCeiling[] {
    return this.#budgets.map(({ ceiling }) => ceiling);
  }

  get #budgets(): Budget[] {
    return [...new Set(this.#pools.flatMap(({ identities }) => identities.map(({ budget }) => budget)))];
  }

  get budgets(): BudgetUse[] {
    return this.#budgets.map((budget) => ({ name: budget.name, ...budget.stats }));
  }
}
