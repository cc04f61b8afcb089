import type { Pool } from "pg";
import { withRetry } from "../../db/retry.ts";
import type { Budget, BudgetReading, Dispatch } from "../budget.ts";
import { gapOf, Quiet } from "../paced-budget.ts";
import type { SharedBudgetOptions } from "./shared-budget.ts";

/** What the SQL function `pace_turn` answers; times count from its moment. */
interface Turn {
  slots: number;
  firstInMs: number;
  retryInMs: number | null;
  closedInMs: number | null;
}

/** Calls asked for at once. */
const MAX_SLOTS = 25;
/** Until a turn that is under way is looked for again; its end wakes the crawl. */
const TURN_PATIENCE_MS = 1_000;
const ERROR_PAUSE_MS = 5_000;
/** A call may go so much later than its time, or half of the distance to the next one. */
const MIN_DELAY_MS = 50;

/**
 * As {@link PacedBudget}, of any number of processes: the times of calls are handed out by a row of `paces`, at the
 * database's clock. This process takes as many ahead as it has used lately; one whose moment has passed is lost.
 */
export class SharedPace implements Budget {
  readonly name: string;
  readonly ceiling: Budget["ceiling"];
  readonly stats = { sent: 0, throttled: 0, left: null };
  readonly #options: Required<SharedBudgetOptions>;
  readonly #gapMs: number;
  readonly #quiet = new Quiet();
  /** Times at which a call may go. */
  #slots: number[] = [];
  /** Calls since the last times were handed out. */
  #used = 0;
  /** The site wants quiet until then, and nobody else knows. */
  #closesUntil: number | null = null;
  #retryAt = -Infinity;
  #turn: Promise<void> | null = null;

  constructor(options: SharedBudgetOptions) {
    this.#options = { now: Date.now, ...options };
    const { name, ceiling } = options.owner;
    this.name = name;
    this.ceiling = ceiling;
    this.#gapMs = gapOf(ceiling);
  }

  available(): number {
    return Infinity;
  }

  opensAt(now: number): number {
    const oldest = now - Math.max(this.#gapMs / 2, MIN_DELAY_MS);
    this.#slots = this.#slots.filter((at) => at >= oldest);
    const [slot] = this.#slots;
    if (slot !== undefined) return Math.max(now, slot);
    if (this.#turn === null && now < this.#retryAt) return this.#retryAt;
    void this.#take(Math.min(Math.max(1, 2 * this.#used), MAX_SLOTS));
    return now + TURN_PATIENCE_MS;
  }

  sent(now: number): Dispatch {
    if (this.#slots.shift() === undefined) throw new Error(`the rate of ${this.name} is not open`);
    this.stats.sent++;
    this.#used++;
    return { sentAt: now };
  }

  answered(dispatch: Dispatch, now: number, reading: BudgetReading | null): void {
    this.#closeUntil(this.#quiet.answered(dispatch, now, reading));
  }

  throttled(dispatch: Dispatch, now: number, retryAfterMs: number | null): void {
    this.stats.throttled++;
    this.#closeUntil(this.#quiet.throttled(dispatch, now, retryAfterMs));
  }

  async close(): Promise<void> {
    while (this.#turn) await this.#turn;
  }

  /** Everybody is told at once. */
  #closeUntil(until: number | null): void {
    if (until === null) return;
    this.#slots = [];
    this.#closesUntil = Math.max(this.#closesUntil ?? -Infinity, until);
    void this.#take(0);
  }

  /** One turn at a time: what comes during one waits for the next. */
  #take(want: number): Promise<void> {
    this.#turn ??= this.#takeTurn(want).finally(() => {
      this.#turn = null;
      if (this.#closesUntil !== null) void this.#take(0);
      this.#options.wake();
    });
    return this.#turn;
  }

  async #takeTurn(want: number): Promise<void> {
    const { pool, owner, now, onError } = this.#options;
    const closesUntil = this.#closesUntil;
    this.#closesUntil = null;
    try {
      const turn = await withRetry(() => {
        const closeMs = closesUntil === null ? null : Math.max(0, closesUntil - now());
        return callTurn(pool, owner.key, { gapMs: this.#gapMs, want, closeMs });
      });
      this.#apply(turn, want);
    } catch (error) {
      this.#retryAt = now() + ERROR_PAUSE_MS;
      onError(error as Error);
    }
  }

  #apply({ slots, firstInMs, retryInMs, closedInMs }: Turn, want: number): void {
    const now = this.#options.now();
    if (closedInMs !== null) this.#retryAt = now + closedInMs;
    if (want === 0) return;
    this.#retryAt = Math.max(this.#retryAt, now + (retryInMs ?? 0));
    // A refusal that came meanwhile: what was handed out before it does not count.
    if (slots === 0 || this.#closesUntil !== null) return;
    this.#used = 0;
    this.#slots = Array.from({ length: slots }, (_, i) => now + firstInMs + i * this.#gapMs);
  }
}

async function callTurn(pool: Pool, pace: string, ask: object): Promise<Turn> {
  const { rows } = await pool.query<{ turn: Turn }>("select pace_turn($1, $2) as turn", [
    pace,
    JSON.stringify(ask),
  ]);
  return rows[0]!.turn;
}
