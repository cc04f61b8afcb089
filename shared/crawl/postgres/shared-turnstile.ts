import { randomUUID } from "node:crypto";
import type { Pool } from "pg";
import { withRetry } from "../../db/retry.ts";
import { Refusals, type Turnstile } from "../turnstile.ts";
import { ERROR_PAUSE_MS, TURN_PATIENCE_MS } from "./shared-budget.ts";

export interface SharedTurnstileOptions {
  pool: Pool;
  /** The same wherever the same client is used. */
  key: string;
  /** It may have opened. */
  wake: () => void;
  /** The database cannot be asked; the turnstile stays shut and is asked for again. */
  onError: (error: Error) => void;
}

/** What the SQL function `turnstile_turn` answers. */
interface Turn {
  isTaken: boolean;
  /** Ask again after so long. */
  retryInMs: number | null;
}

/** What a turn wants: to have it or to go on having it, or to give it up and leave it shut for a while. */
type Wish = { take: true } | { take: false; closeMs: number };

/** A process that died has given its turn up after this long. */
const LEASE_MS = 15_000;
const RENEW_EVERY_MS = LEASE_MS / 3;
/** A turn that is not used is given up. */
const UNUSED_MS = 2_000;

/**
 * A turnstile of any number of processes: a row of `turnstiles` has who is in it. Its waits are timers, so that it
 * needs no clock.
 */
export class SharedTurnstile implements Turnstile {
  readonly #options: SharedTurnstileOptions;
  readonly #self = randomUUID();
  readonly #refusals = new Refusals();
  /** `waiting`: not to be asked for before its timer. */
  #state: "out" | "asking" | "waiting" | "ready" | "inside" = "out";
  #timer: NodeJS.Timeout | undefined;
  /** Calls go out in their order. */
  #calls: Promise<unknown> = Promise.resolve();

  constructor(options: SharedTurnstileOptions) {
    this.#options = options;
  }

  opensAt(now: number): number {
    if (this.#state === "ready") return now;
    if (this.#state === "inside") return Infinity;
    if (this.#state === "out") void this.#take();
    return now + TURN_PATIENCE_MS;
  }

  entered(): void {
    if (this.#state !== "ready") throw new Error(`the turnstile ${this.#options.key} is not open`);
    this.#state = "inside";
    clearTimeout(this.#timer);
    this.#timer = setInterval(() => void this.#ask({ take: true }), RENEW_EVERY_MS).unref();
  }

  left(_now: number, refusal?: { retryAfterMs: number | null }): void {
    this.#leave(this.#refusals.delayMs(refusal));
  }

  /** Gives up its turn. */
  async close(): Promise<void> {
    if (this.#state === "ready") this.#leave(0);
    clearTimeout(this.#timer);
    await this.#calls;
  }

  async #take(): Promise<void> {
    this.#state = "asking";
    const turn = await this.#ask({ take: true });
    if (turn?.isTaken) {
      this.#state = "ready";
      this.#timer = setTimeout(() => this.#leave(0), UNUSED_MS).unref();
    } else {
      this.#state = "waiting";
      this.#timer = setTimeout(() => this.#reopen(), turn?.retryInMs ?? ERROR_PAUSE_MS).unref();
    }
    this.#options.wake();
  }

  #leave(closeMs: number): void {
    clearTimeout(this.#timer);
    this.#state = "out";
    void this.#ask({ take: false, closeMs });
  }

  #reopen(): void {
    this.#state = "out";
    this.#options.wake();
  }

  /** `null` when the database cannot be asked. */
  #ask(wish: Wish): Promise<Turn | null> {
    const { pool, key, onError } = this.#options;
    const call = async () => {
      try {
        const { rows } = await withRetry(() =>
          pool.query<{ turn: Turn }>("select turnstile_turn($1, $2, $3) as turn", [
            key,
            this.#self,
            JSON.stringify({ ...wish, leaseMs: LEASE_MS }),
          ]),
        );
        return rows[0]!.turn;
      } catch (error) {
        onError(error as Error);
        return null;
      }
    };
    const answer = this.#calls.then(call);
    this.#calls = answer;
    return answer;
  }
}
