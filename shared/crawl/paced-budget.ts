import { backoffMs } from "./backoff.ts";
import { type Budget, type BudgetCeiling, type Dispatch, isTold, type Reading } from "./budget.ts";

/** Answers of one connection overtake another's: calls keep this much more distance than the ceiling demands. */
const MARGIN = 1.1;

/**
 * A rate whose window is shorter than an answer takes, as calls a second: calls keep an even distance, for there is
 * no time to learn from answers. Refusals, and a window that has nothing left, shut it for a while.
 */
export abstract class Pace implements Budget {
  readonly name: string;
  readonly ceiling: BudgetCeiling;
  readonly stats = { sent: 0, throttled: 0, left: null };
  /** Between two calls. */
  protected readonly gapMs: number;
  readonly #random: () => number;
  #backoffBeganAt = -Infinity;
  #throttledInARow = 0;

  constructor(
    name: string,
    ceiling: BudgetCeiling,
    { random = Math.random }: { random?: () => number } = {},
  ) {
    this.name = name;
    this.ceiling = ceiling;
    this.gapMs = (ceiling.windowMs / ceiling.requests) * MARGIN;
    this.#random = random;
  }

  abstract opensAt(now: number): number;
  abstract sent(now: number): Dispatch;
  /** The site wants quiet until then. */
  protected abstract closeUntil(at: number): void;

  available(): number {
    return Infinity;
  }

  /** Its place in the rate has passed. */
  unsent(): void {
    this.stats.sent--;
  }

  answered({ sentAt }: Dispatch, now: number, reading: Reading): void {
    if (sentAt > this.#backoffBeganAt) this.#throttledInARow = 0;
    if (isTold(reading) && reading.remaining <= 0) this.closeUntil(now + reading.resetMs);
  }

  throttled({ sentAt }: Dispatch, now: number, retryAfterMs: number | null): void {
    this.stats.throttled++;
    // Those that were on their way when the backoff began tell nothing new.
    if (sentAt > this.#backoffBeganAt) {
      this.#throttledInARow++;
      this.#backoffBeganAt = now;
    } else if (retryAfterMs === null) return;
    this.closeUntil(now + backoffMs(this.#throttledInARow, retryAfterMs, { random: this.#random }));
  }
}

/** Of this process alone. */
export class PacedBudget extends Pace {
  #opensAt = -Infinity;

  opensAt(): number {
    return this.#opensAt;
  }

  sent(now: number): Dispatch {
    this.stats.sent++;
    this.closeUntil(now + this.gapMs);
    return { sentAt: now };
  }

  protected closeUntil(at: number): void {
    this.#opensAt = Math.max(this.#opensAt, at);
  }
}

interface JointDispatch extends Dispatch {
  parts: Dispatch[];
}

/** Several limits on the same calls, as a rate a second and one an hour: all of them must be open. */
export class JointBudget implements Budget {
  readonly name: string;
  readonly #parts: readonly Budget[];
  #inFlight = 0;
  /** Of a quota beyond all windows. */
  #left = Infinity;
  /** Calls since an answer last told it. */
  #untold = 0;

  /** @param parts shortest window first */
  constructor(parts: readonly Budget[]) {
    this.name = parts[0]!.name;
    this.#parts = parts;
  }

  /** Of the longest window. */
  get ceiling(): BudgetCeiling {
    return this.#parts.at(-1)!.ceiling;
  }

  get stats(): Budget["stats"] {
    return { ...this.#parts[0]!.stats, left: this.#parts.at(-1)!.stats.left };
  }

  available(now: number): number {
    return Math.min(
      this.#left - this.#untold - this.#inFlight,
      ...this.#parts.map((part) => part.available(now)),
    );
  }

  /** Answers overtake one another: the least that one has told is what is left. */
  limit(left: number | null): void {
    this.#untold = left === null ? this.#untold + 1 : 0;
    if (left !== null) this.#left = Math.min(this.#left, left);
  }

  opensAt(now: number, spread: boolean): number {
    // What is in flight may be the last: its answer tells.
    if (this.#left - this.#untold <= this.#inFlight) return Infinity;
    let opensAt = now;
    // Longest window first: who may not go at all takes no place in a rate that others share.
    for (const part of this.#parts.toReversed()) {
      opensAt = Math.max(opensAt, part.opensAt(now, spread));
      if (opensAt > now) break;
    }
    return opensAt;
  }

  sent(now: number): Dispatch {
    this.#inFlight++;
    const dispatch: JointDispatch = { sentAt: now, parts: this.#parts.map((part) => part.sent(now)) };
    return dispatch;
  }

  unsent(dispatch: Dispatch): void {
    const { parts } = dispatch as JointDispatch;
    this.#inFlight--;
    for (const [i, part] of this.#parts.entries()) part.unsent(parts[i]!);
  }

  answered(dispatch: Dispatch, now: number, reading: Reading): void {
    const { parts } = dispatch as JointDispatch;
    this.#inFlight--;
    const told = this.#partOf(reading);
    for (const [i, part] of this.#parts.entries()) {
      // The site tells of the window that has the least left.
      if (part === told) part.answered(parts[i]!, now, reading);
      else part.answered(parts[i]!, now, null, isTold(reading) ? reading.remaining : undefined);
    }
  }

  /** A 429 that is not final is one of the shortest window; its backoff holds all back. */
  throttled(dispatch: Dispatch, now: number, retryAfterMs: number | null, reading: Reading): void {
    const [first, ...rest] = this.#parts;
    const { parts } = dispatch as JointDispatch;
    this.#inFlight--;
    const told = this.#partOf(reading);
    first!.throttled(parts[0]!, now, retryAfterMs, first === told ? reading : null);
    for (const [i, part] of rest.entries()) part.answered(parts[i + 1]!, now, part === told ? reading : null);
  }

  /** A reading is about the shortest window that it fits into. */
  #partOf(reading: Reading): Budget | undefined {
    return (
      this.#parts.find(({ ceiling }) => isTold(reading) && reading.resetMs <= ceiling.windowMs) ??
      this.#parts.at(-1)
    );
  }
}
