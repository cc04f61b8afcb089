export interface BackoffOptions {
  /** Delay after the first failure, in milliseconds. @default 2_000 */
  baseMs?: number;
  /** Upper bound of a delay of our own choice. @default 60_000 */
  maxMs?: number;
  /** Source of jitter, in [0, 1). @default Math.random */
  random?: () => number;
}

/** What a site may demand at the most: a hostile header must not park a crawl for good. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * Delay after the `attempt`th failure in a row, in milliseconds.
 *
 * `Retry-After` wins when the site sent one, up to an hour; otherwise the delay doubles each time up to `maxMs`,
 * plus up to a quarter of itself, so that many clients do not come back together.
 *
 * @param attempt 1 for the first failure
 * @param retryAfterMs parsed `Retry-After`, `null` when the site sent none
 */
export function backoffMs(
  attempt: number,
  retryAfterMs: number | null,
  { baseMs = 2_000, maxMs = 60_000, random = Math.random }: BackoffOptions = {},
): number {
  if (retryAfterMs !== null) return Math.min(retryAfterMs, MAX_RETRY_AFTER_MS);
  return Math.min(baseMs * 2 ** (Math.max(1, attempt) - 1), maxMs) * (1 + random() / 4);
}
