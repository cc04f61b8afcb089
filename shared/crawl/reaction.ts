import { backoffMs } from "./backoff.ts";
import type { Outcome } from "./outcome.ts";

/** What the kit does about an outcome that is not `ok`. */
export type Reaction =
  /** The request is over; it becomes an item of `failed_requests`. */
  | { kind: "fail" }
  /** Back to its place. `counts`: against the request's retries. */
  | { kind: "retry"; delayMs: number; counts: boolean };

/** Counted retries before a request fails for good. */
export const MAX_RETRIES = { serverError: 5, malformed: 3, handlerError: 3, blocked: 3 } as const;

const FREE: Reaction = { kind: "retry", delayMs: 0, counts: false };

/**
 * Follows from the outcome's type alone. What is the client's or the budget's doing costs the request nothing,
 * for their clocks already hold it back; what may be the target's counts, with a growing delay.
 *
 * @param retryCount counted retries so far
 * @param wasProven the identity got through the last time, so that a block may be about this one target
 */
export function reactionTo(
  outcome: Exclude<Outcome, { kind: "ok" }>,
  retryCount: number,
  { wasProven = false, random = Math.random }: { wasProven?: boolean; random?: () => number } = {},
): Reaction {
  switch (outcome.kind) {
    case "gone":
      return { kind: "fail" };
    case "throttled":
    case "unauthorized":
      return FREE;
    case "blocked":
      return wasProven ? countedRetry(retryCount, MAX_RETRIES.blocked, random) : FREE;
    case "serverError":
    case "malformed":
      return countedRetry(retryCount, MAX_RETRIES[outcome.kind], random);
  }
}

/** A retry after 1 s, 2 s, … 60 s, or a failure when the retries are used up. */
export function countedRetry(retryCount: number, maxRetries: number, random = Math.random): Reaction {
  if (retryCount >= maxRetries) return { kind: "fail" };
  return {
    kind: "retry",
    delayMs: backoffMs(retryCount + 1, null, { baseMs: 1_000, random }),
    counts: true,
  };
}
