import type { CookieJar } from "tough-cookie";
import type { Budget } from "./budget.ts";
import type { Credential } from "./oauth-token.ts";
import type { Turnstile } from "./turnstile.ts";

/** What a site sees as one client. */
export interface Identity {
  readonly name: string;
  readonly userAgent: string;
  /** `null`: goes out directly. */
  readonly proxyUrl: string | null;
  /** Shared by the identities of one client id; `null` for anonymous ones. */
  readonly credential: Credential | null;
  /** Shared by the identities that the site counts as one. */
  readonly budget: Budget;
  /** What the site serves one at a time to those that share the budget. */
  turnstile(what: string): Turnstile;
  readonly cookies: CookieJar;
  readonly health: Health;
}

const COOL_DOWN_BASE_MS = 10_000;
const COOL_DOWN_MAX_MS = 3_600_000;
/** After a connection that did not come about; doubled each time. */
const CUT_OFF_BASE_MS = 2_000;
const CUT_OFF_MAX_MS = 60_000;
/** After a block of an identity that got through until then: another request soon shows whose doing it is. */
const DOUBT_MS = 3_000;

/**
 * Whether an identity still gets through. A failure out of the blue is followed by a short doubt (3 s); each further
 * one doubles the cool-down (10 s, 20 s, … 1 h), each success halves the next one again. After a cool-down one request probes; the rest wait for its answer.
 */
export class Health {
  #level = 0;
  #coolingSince = -Infinity;
  #coolUntil = -Infinity;
  #isProbing = false;
  #brokenInARow = 0;
  #cutOffsInARow = 0;
  #hasSucceeded = false;
  #retired: string | null = null;
  #reason: string | null = null;

  /** Why the identity will not be used again, and what to check; `null` while it may be. */
  get retired(): string | null {
    return this.#retired;
  }

  /** The failure that it is cooling down from or probing after; `null` when all is well. */
  get reason(): string | null {
    return this.#reason;
  }

  /** True when it ever got through: a block may then be the target's doing. */
  get isProven(): boolean {
    return this.#hasSucceeded;
  }

  /** It has never let anything through, and was tried so often. */
  isDeadAfter(cutOffs: number): boolean {
    return !this.#hasSucceeded && this.#cutOffsInARow >= cutOffs;
  }

  /** Earliest time of its next request; `Infinity` when retired, or while a probe is out. */
  opensAt(now: number): number {
    if (this.#retired !== null || this.#isProbing) return Infinity;
    return Math.max(now, this.#coolUntil);
  }

  sent(): void {
    this.#isProbing = this.#reason !== null;
  }

  succeeded(): void {
    this.undecided();
    this.#brokenInARow = 0;
    this.#cutOffsInARow = 0;
    this.#reason = null;
    this.#hasSucceeded = true;
    this.#level = Math.max(0, this.#level - 1);
  }

  /** The request came to nothing that speaks for or against the identity. */
  undecided(): void {
    this.#isProbing = false;
  }

  /** The connection broke. Once is chance; the third time in a row is a failure. */
  broke(sentAt: number, now: number, reason: string): void {
    this.undecided();
    this.#brokenInARow++;
    if (this.#brokenInARow >= 3) this.failed(sentAt, now, reason);
  }

  /** A request sent at `sentAt` was blocked. What was on its way when the cool-down began tells nothing new. */
  failed(sentAt: number, now: number, reason: string): void {
    this.undecided();
    if (sentAt < this.#coolingSince) return;
    const isDoubt = this.#hasSucceeded && this.#reason === null;
    this.#reason = reason;
    this.#coolingSince = now;
    const coolDownMs = Math.min(COOL_DOWN_BASE_MS * 2 ** this.#level, COOL_DOWN_MAX_MS);
    this.#coolUntil = now + (isDoubt ? DOUBT_MS : coolDownMs);
    if (!isDoubt) this.#level++;
  }

  /** For a request sent at `sentAt` no connection came about: cools down for 2 s, 4 s, … 1 min. */
  cutOff(sentAt: number, now: number, reason: string): void {
    this.undecided();
    if (sentAt < this.#coolingSince) return;
    this.#reason = reason;
    this.#coolingSince = now;
    this.#coolUntil = now + Math.min(CUT_OFF_BASE_MS * 2 ** this.#cutOffsInARow, CUT_OFF_MAX_MS);
    this.#cutOffsInARow++;
  }

  retire(reason: string): void {
    this.#retired ??= reason;
  }
}
