import { LRUCache } from "lru-cache";

export interface Limit {
  /** Requests a second that are given back. */
  perSec: number;
  /** Requests at once. */
  burst: number;
}

export interface Decision {
  isAllowed: boolean;
  limit: number;
  remaining: number;
  /** Until the next request is allowed; 0 when it is by now. */
  retryAfterSecs: number;
  /** Until all of the burst is there again. */
  resetSecs: number;
}

interface Bucket {
  tokens: number;
  /** As `now` of the call that filled it last. */
  filledAtMs: number;
}

/** Token buckets by key, in this process. Buckets that nobody asks for are forgotten, the longest unused first. */
export class RateLimiter {
  readonly #buckets = new LRUCache<string, Bucket>({ max: 20_000 });

  /** Takes one request out of the bucket of `key`. */
  take(key: string, { perSec, burst }: Limit, nowMs: number): Decision {
    const bucket = this.#buckets.get(key) ?? { tokens: burst, filledAtMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.filledAtMs) / 1000) * perSec);
    bucket.filledAtMs = nowMs;
    const isAllowed = bucket.tokens >= 1;
    if (isAllowed) bucket.tokens -= 1;
    this.#buckets.set(key, bucket);
    return {
      isAllowed,
      limit: burst,
      remaining: Math.floor(bucket.tokens),
      retryAfterSecs: isAllowed ? 0 : Math.ceil((1 - bucket.tokens) / perSec),
      resetSecs: Math.ceil((burst - bucket.tokens) / perSec),
    };
  }
}
