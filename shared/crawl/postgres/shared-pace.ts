import type { Pool } from "pg";
import { withRetry } from "../../db/retry.ts";
import type { Dispatch } from "../budget.ts";
import { Pace } from "../paced-budget.ts";
import { steadyNow } from "../../steady-clock.ts";
import { ERROR_PAUSE_MS, MAX_SLOTS, type SharedBudgetOptions, TURN_PATIENCE_MS } from "./shared-budget.ts";

/** What the SQL function `pace_turn` answers; times count from its moment. */
interface Turn {
  slots: number;
  firstInMs: number;
  retryInMs: number | null;
  closedInMs: number | null;
}

/** A call may go so much later than its time, or half of the distance to the next one. */
const MIN_DELAY_MS = 50;

/**
 * A pace of any number of processes: the times of calls are handed out by a row of `paces`, at the
 * database's clock. This process takes as many ahead as it has used lately; one whose moment has passed is lost.
 */
export class SharedPace extends Pace {
  readonly #options: Required<SharedBudgetOptions>;
  /** Times at which a call may go. */
  #slots: number[] = [];
  /** Calls since the last times were handed out. */
  #used = 0;
  /** The site wants quiet until then, and nobody else knows. */
  #closesUntil: number | null = null;
  #retryAt = -Infinity;
  #turn: Promise<void> | null = null;

  constructor(options: SharedBudgetOptions) {
    super(options.owner.name, options.owner.ceiling);
    this.#options = { now: steadyNow, ...options };
  }

  opensAt(now: number): number {
    const oldest = now - Math.max(this.gapMs / 2, MIN_DELAY_MS);
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

  async close(): Promise<void> {
    while (this.#turn) await this.#turn;
  }

  /** Everybody is told at once. */
  protected closeUntil(until: number): void {
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
        return callTurn(pool, owner.key, { gapMs: this.gapMs, want, closeMs });
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
    this.#slots = Array.from({ length: slots }, (_, i) => now + firstInMs + i * this.gapMs);
  }
}

async function callTurn(pool: Pool, pace: string, ask: object): Promise<Turn> {
  const { rows } = await pool.query<{ turn: Turn }>("select pace_turn($1, $2) as turn", [
    pace,
    JSON.stringify(ask),
  ]);
  return rows[0]!.turn;
}
