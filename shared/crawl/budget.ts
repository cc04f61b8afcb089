import { backoffMs } from "./backoff.ts";

/** What an answer's headers say about a budget. */
export interface BudgetReading {
  /** Requests counted in the present window. */
  used: number;
  /** Requests left in it. */
  remaining: number;
  /** Milliseconds until it ends. */
  resetMs: number;
}

/** `null`: no headers, or no answer. `unreadable`: headers that nobody understands, so that there is no telling what is left. */
export type Reading = BudgetReading | "unreadable" | null;

export function isTold(reading: Reading): reading is BudgetReading {
  return reading !== null && reading !== "unreadable";
}

/** Requests a window that are never exceeded, whatever the site allows. */
export interface BudgetCeiling {
  requests: number;
  /** Length of the window where the site's headers do not tell. */
  windowMs: number;
}

/** One request on its way; given back with its answer. */
export interface Dispatch {
  sentAt: number;
}

/** What a site counts as one client. All times are milliseconds of one clock, which the caller reads. */
export interface Budget {
  /** For messages and figures. */
  readonly name: string;
  readonly ceiling: BudgetCeiling;
  /** Requests sent from here, how many of them were answered with 429, and how many the window has left. */
  readonly stats: { sent: number; throttled: number; left: number | null };
  /** Requests that may still go in the present window; `Infinity` before the first answer. */
  available(now: number): number;
  /**
   * Earliest time of the next request; `Infinity` when only the answer to a request in flight can tell.
   * @param spread more is waiting than the open budgets have left: pace the rest over the window
   */
  opensAt(now: number, spread: boolean): number;
  /**
   * A quota without a window of its own, as a month's, has so many calls left, those in flight not subtracted.
   * `null`: an answer did not tell, so that it counts as one call.
   */
  limit?(left: number | null): void;
  /** Only when it is open. */
  sent(now: number): Dispatch;
  /** The request did not leave: it counts as if it had never been handed out. */
  unsent(dispatch: Dispatch): void;
  /**
   * The exchange is over.
   * @param reading one that is unreadable counts as a request, and no more than one at a time goes until one can be read
   * @param atLeast of a window that the site has not told of: it has no less left than this, as a shorter one has that
   * the site tells of only while it is the nearer one
   */
  answered(dispatch: Dispatch, now: number, reading: Reading, atLeast?: number): void;
  /** The exchange ended in a 429. */
  throttled(dispatch: Dispatch, now: number, retryAfterMs: number | null, reading: Reading): void;
}

/** Readings of one window do not differ by more: a second of rounding, and what a slow answer adds. */
const SAME_WINDOW_MS = 1_500;
/** A new window is opened by one request alone; when that one hangs, a second may follow after this long. */
const PROBE_PATIENCE_MS = 2_000;
/** Part of a window that pacing leaves free at its end, so that the last requests are still counted in it. */
const WINDOW_MARGIN = 0.01;

interface LocalDispatch extends Dispatch {
  /** Requests that were over before it was sent. */
  settledBefore: number;
}

/**
 * When the window of an answer ends. The site wrote its header at some time between sending and answer, in whole
 * seconds, rounded up; a slow answer does not move the latest end by more than a second.
 */
export function windowEnd(
  sentAt: number,
  answeredAt: number,
  { resetMs }: Pick<BudgetReading, "resetMs">,
): { earliest: number; latest: number } {
  return { earliest: sentAt + resetMs - 1_000, latest: Math.min(answeredAt, sentAt + 1_000) + resetMs };
}

/**
 * A budget that this process alone uses, with two clocks: **pacing** from the site's own window headers and
 * **backoff** after a 429. The next request may go at the later of the two. A policy: it is told the time and
 * answers with times; whoever calls it owns the timers.
 */
export class LocalBudget implements Budget {
  readonly name: string;
  readonly ceiling: BudgetCeiling;
  readonly #random: () => number;
  readonly #inFlight = new Set<LocalDispatch>();
  /** End of the present window; `null` while no answer has told, or the last one is over. */
  #windowEndsAt: number | null = null;
  /** The present window is our own, for no answer has told of one. */
  #isAssumed = false;
  /** The newest answer with headers had some that cannot be read. */
  #isUnreadable = false;
  #windowMs: number;
  /**
   * Requests that the window still has, those in flight not subtracted: what the newest answer told, less what is over
   * and may have been counted after it.
   */
  #left = 0;
  /** What the newest answer of the window told. */
  #told = 0;
  /** As `#left`, by the newest answer alone. */
  #certain = 0;
  /** As `#left`, of a window that no answer has told; `null` while nothing tells. */
  #leftAtLeast: number | null = null;
  /** Requests that are over. */
  #settled = 0;
  /** Requests that the site allows in a window, as its last answer had it. */
  #allowance = Infinity;
  /** Requests sent in this window, those in flight when it began included. */
  #windowSent = 0;
  /** The request that opens a window: until it is answered, no other goes. */
  #probe: Dispatch | null = null;
  #lastSentAt = 0;
  #backoffBeganAt = -Infinity;
  #backoffUntil = -Infinity;
  #throttledInARow = 0;
  #sent = 0;
  #throttled = 0;

  constructor(
    name: string,
    ceiling: BudgetCeiling,
    { random = Math.random }: { random?: () => number } = {},
  ) {
    this.name = name;
    this.ceiling = ceiling;
    this.#windowMs = ceiling.windowMs;
    this.#random = random;
  }

  get stats(): Budget["stats"] {
    return {
      sent: this.#sent,
      throttled: this.#throttled,
      left: this.#windowEndsAt === null ? null : Math.max(0, this.#left),
    };
  }

  available(now: number): number {
    return this.#isWindowOpen(now) ? Math.max(0, this.#left - this.#inFlight.size) : Infinity;
  }

  opensAt(now: number, spread: boolean): number {
    const paceOpensAt = this.#paceOpensAt(Math.max(now, this.#backoffUntil), spread || this.#isUnreadable);
    return Math.max(this.#backoffUntil, paceOpensAt);
  }

  #paceOpensAt(now: number, spread: boolean): number {
    if (this.#probe) return this.#probe.sentAt + PROBE_PATIENCE_MS;
    if (!this.#isWindowOpen(now)) return now;
    const isAlone = this.#isDoubtful || this.#isUnreadable;
    if (isAlone && this.#inFlight.size > 0) return this.#lastSentAt + PROBE_PATIENCE_MS;
    // One alone finds out more.
    if (this.#isUntold && this.#inFlight.size >= Math.max(1, this.#leftAtLeast ?? Infinity)) return Infinity;
    const available = this.#left - this.#inFlight.size;
    // In flight counts as used, so an answer may show that there is more left; if none comes, the next window.
    if (available <= 0) return this.#windowEndsAt!;
    if (!spread) return now;
    const paceEndsAt = this.#windowEndsAt! - this.#windowMs * WINDOW_MARGIN;
    return this.#lastSentAt + Math.max(0, paceEndsAt - this.#lastSentAt) / available;
  }

  sent(now: number): Dispatch {
    const dispatch: LocalDispatch = { sentAt: now, settledBefore: this.#settled };
    if (!this.#isWindowOpen(now)) {
      this.#windowEndsAt = null;
      this.#isAssumed = false;
      this.#leftAtLeast = null;
      this.#probe = dispatch;
    } else if (this.#probe) this.#probe = dispatch;
    this.#inFlight.add(dispatch);
    this.#lastSentAt = now;
    this.#windowSent++;
    this.#sent++;
    return dispatch;
  }

  unsent(dispatch: Dispatch): void {
    if (!this.#inFlight.delete(dispatch as LocalDispatch)) return;
    this.#windowSent--;
    this.#sent--;
    if (this.#probe === dispatch) this.#probe = null;
  }

  answered(handed: Dispatch, now: number, reading: Reading, atLeast?: number): void {
    const dispatch = handed as LocalDispatch;
    if (!this.#inFlight.delete(dispatch)) return;
    if (reading !== null) this.#isUnreadable = reading === "unreadable";
    if (isTold(reading)) this.#read(dispatch, now, reading);
    else this.#countUnread(dispatch, now, atLeast);
    this.#settled++;
    if (this.#probe === dispatch) this.#probe = null;
    if (now >= this.#backoffUntil + this.#windowQuietMs()) this.#throttledInARow = 0;
  }

  /**
   * Only the first 429 of a burst raises the exponent: those that were on their way when the backoff began tell
   * nothing new.
   */
  throttled(dispatch: Dispatch, now: number, retryAfterMs: number | null, reading: Reading): void {
    this.answered(dispatch, now, reading);
    this.#throttled++;
    const isBurst = dispatch.sentAt < this.#backoffBeganAt;
    if (isBurst && retryAfterMs === null) return;
    if (!isBurst) {
      this.#throttledInARow++;
      this.#backoffBeganAt = now;
    }
    const delay = backoffMs(this.#throttledInARow, retryAfterMs, { random: this.#random });
    this.#backoffUntil = Math.max(this.#backoffUntil, now + delay);
    // What the window had left is in doubt: one request alone finds out.
    this.#windowEndsAt = null;
    this.#isAssumed = false;
  }

  /** No answer has ever told of a window. */
  get #isUntold(): boolean {
    return this.#isAssumed && this.#allowance === Infinity;
  }

  /** Whether the site has no headers, or only failed, the first three answers show, one after the other. */
  get #isDoubtful(): boolean {
    return this.#isUntold && this.#windowSent < 4;
  }

  #isWindowOpen(now: number): boolean {
    return this.#windowEndsAt !== null && now < this.#windowEndsAt;
  }

  #read(dispatch: LocalDispatch, now: number, { used, remaining, resetMs }: BudgetReading): void {
    const { earliest, latest: endsAt } = windowEnd(dispatch.sentAt, now, { resetMs });
    const known = this.#isAssumed ? null : this.#windowEndsAt;
    if (known !== null && endsAt < known - SAME_WINDOW_MS) return;
    // Others that were answered before the 429 may have told of less.
    if (known === null && dispatch.sentAt < this.#backoffBeganAt) return;
    // Not a slow answer of the present one: what it says was left may be gone.
    const isNew = known === null || earliest > known;
    if (isNew) {
      this.#windowMs = Math.max(resetMs, 1);
      // What was sent in a window of our own may have been in this one.
      if (!this.#isAssumed) this.#windowSent = this.#inFlight.size + 1;
    }
    this.#isAssumed = false;
    this.#allowance = used + remaining;
    this.#windowEndsAt = isNew ? endsAt : Math.max(known, endsAt);
    // An answer that tells of more than another one of its window was counted before that.
    if (isNew || remaining < this.#told) {
      this.#told = remaining;
      this.#certain = remaining - this.#countLater(dispatch);
    }
    this.#left = isNew ? this.#certain : Math.min(this.#told, Math.max(this.#left - 1, this.#certain));
    // A site that allows more than the ceiling counts others' requests as well: then ours are what it is held against.
    const ours = this.#windowSent - this.#inFlight.size;
    if (this.#allowance > this.ceiling.requests)
      this.#left = Math.min(this.#left, this.ceiling.requests - ours);
  }

  /**
   * Without headers, or an answer, the ceiling is the budget, or what the site last allowed: a window of our own, from
   * the first request on, until an answer tells.
   */
  #countUnread(dispatch: LocalDispatch, now: number, atLeast: number | undefined): void {
    if (atLeast !== undefined) {
      const known = (this.#leftAtLeast ?? -Infinity) - 1;
      this.#leftAtLeast = Math.max(known, atLeast - this.#countLater(dispatch));
    } else if (this.#leftAtLeast !== null) this.#leftAtLeast--;
    this.#certain--;
    if (this.#windowEndsAt !== null) this.#left--;
    else if (this.#probe === dispatch && now >= this.#backoffUntil) {
      this.#windowMs = this.ceiling.windowMs;
      this.#windowEndsAt = dispatch.sentAt + this.#windowMs;
      this.#isAssumed = true;
      this.#left = Math.min(this.ceiling.requests, this.#allowance) - 1;
    }
  }

  /** Requests that the site may have counted after this one, and that are over: its answer does not tell of them. */
  #countLater({ settledBefore }: LocalDispatch): number {
    return this.#settled - settledBefore;
  }

  /** How long after a backoff an answer must come to end the row of 429s. */
  #windowQuietMs(): number {
    return Math.max(0, this.#backoffUntil - this.#backoffBeganAt);
  }
}
