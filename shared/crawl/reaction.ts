import { backoffMs } from "./backoff.ts";
import type { Outcome } from "./outcome.ts";

/** What the kit does about an outcome that is not `ok`. */
export type Reaction =
  /** The request is over; it becomes an item of `failed_requests`. */
  | { kind: "fail" }
  /** Back to its place. `counts`: against the request's retries. */
  | { kind: "retry"; delayMs: number; counts: boolean };

/** Counted retries before a request fails for good; each kind has a count of its own. */
export const MAX_RETRIES = {
  serverError: 4,
  malformed: 3,
  handlerError: 3,
  blocked: 3,
  unauthorized: 2,
} as const;

const FREE_DELAY_MS = 0;
/**
 * First delay of a target that may be the one that blocks; longer than the first doubt about the identity, so that
 * others probe: a target that always answers with a block page must hold nobody up.
 */
const SUSPECT_DELAY_MS = 5_000;
/** Time for other requests to show whether a token that was refused is good. */
const REFUSED_DELAY_MS = 2_000;

export interface ReactionOptions {
  /** The identity got through before, so that a block may be about this one target. */
  wasProven?: boolean;
  /** The site had accepted the token before, so that a 401 may be about this one target. */
  tokenWasProven?: boolean;
  /** Another site does what this one does not. */
  hasFallback?: boolean;
  random?: () => number;
}

/**
 * Follows from the outcome's type alone. What is the client's or the budget's doing costs the request nothing,
 * for their clocks already hold it back; what may be the target's counts, with a growing delay.
 *
 * @param retries counted retries of this kind so far
 */
export function reactionTo(
  outcome: Exclude<Outcome, { kind: "ok" }>,
  retries: number,
  {
    wasProven = false,
    tokenWasProven = false,
    hasFallback = false,
    random = Math.random,
  }: ReactionOptions = {},
): Reaction {
  switch (outcome.kind) {
    case "gone":
      return { kind: "fail" };
    case "throttled":
    // Another identity may do it; without one the crawl ends, or another site takes over.
    case "retired":
      return free(FREE_DELAY_MS);
    case "unauthorized":
      // Once with a token that worked is enough: then it is the target's, whatever the present token is worth.
      return tokenWasProven || retries > 0
        ? countedRetry(retries, MAX_RETRIES.unauthorized, { random })
        : free(REFUSED_DELAY_MS);
    case "blocked":
      // Without an answer it was the proxy, whatever it did for others before.
      return wasProven && outcome.status !== null
        ? countedRetry(retries, MAX_RETRIES.blocked, { baseMs: SUSPECT_DELAY_MS, random })
        : free(FREE_DELAY_MS);
    case "serverError":
      // The way there is at fault, which its identity's cool-down holds back. Another site need not wait for it.
      if (outcome.isCutOff && !hasFallback) return free(FREE_DELAY_MS);
      return countedRetry(retries, MAX_RETRIES.serverError, { random });
    case "malformed":
      return countedRetry(retries, MAX_RETRIES[outcome.kind], { random });
  }
}

function free(delayMs: number): Reaction {
  return { kind: "retry", delayMs, counts: false };
}

/** A retry after 1 s (`baseMs`), 2 s, … 60 s, or a failure when the retries are used up. */
export function countedRetry(
  retries: number,
  maxRetries: number,
  { baseMs = 1_000, random = Math.random }: { baseMs?: number; random?: () => number } = {},
): Reaction {
  if (retries >= maxRetries) return { kind: "fail" };
  return { kind: "retry", delayMs: backoffMs(retries + 1, null, { baseMs, random }), counts: true };
}
