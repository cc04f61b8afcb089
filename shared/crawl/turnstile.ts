import { backoffMs } from "./backoff.ts";

/** What a site serves one at a time to a client, however much its budget has left. */
export interface Turnstile {
  /** Earliest time of the next request; `Infinity` while only the end of the one in flight can tell. */
  opensAt(now: number): number;
  /** Only when it is open. */
  entered(): void;
  /**
   * The exchange is over.
   * @param refusal the site served somebody else meanwhile; its own word on how long to wait, `null` without one
   */
  left(now: number, refusal?: { retryAfterMs: number | null }): void;
}

/** A turnstile that this process alone uses. */
export class LocalTurnstile implements Turnstile {
  readonly #refusals = new Refusals();
  #isTaken = false;
  #closedUntil = -Infinity;

  opensAt(now: number): number {
    return this.#isTaken ? Infinity : Math.max(now, this.#closedUntil);
  }

  entered(): void {
    this.#isTaken = true;
  }

  left(now: number, refusal?: { retryAfterMs: number | null }): void {
    this.#isTaken = false;
    this.#closedUntil = now + this.#refusals.delayMs(refusal);
  }
}

/** How long a turnstile stays shut after each request. */
export class Refusals {
  #inARow = 0;

  delayMs(refusal: { retryAfterMs: number | null } | undefined): number {
    this.#inARow = refusal ? this.#inARow + 1 : 0;
    return refusal ? backoffMs(this.#inARow, refusal.retryAfterMs) : 0;
  }
}
