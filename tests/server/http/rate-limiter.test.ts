import { describe, expect, it } from "vitest";
import { RateLimiter } from "../../../server/http/rate-limiter.ts";

const LIMIT = { perSec: 2, burst: 4 };

describe("RateLimiter", () => {
  it("allows the burst at once, then as many a second as are given back", () => {
    const limiter = new RateLimiter();
    const at = (ms: number) => limiter.take("a", LIMIT, ms).isAllowed;
    expect([at(0), at(0), at(0), at(0), at(0)]).toEqual([true, true, true, true, false]);
    expect([at(400), at(500), at(500), at(1_000)]).toEqual([false, true, false, true]);
    expect([at(60_000), at(60_000), at(60_000), at(60_000), at(60_000)]).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  it("tells what is left, and when to come back", () => {
    const limiter = new RateLimiter();
    expect(limiter.take("a", LIMIT, 0)).toEqual({
      isAllowed: true,
      limit: 4,
      remaining: 3,
      retryAfterSecs: 0,
      resetSecs: 1,
    });
    for (let n = 0; n < 3; n++) limiter.take("a", LIMIT, 0);
    expect(limiter.take("a", LIMIT, 0)).toMatchObject({ remaining: 0, retryAfterSecs: 1, resetSecs: 2 });
  });

  it("counts each key for itself", () => {
    const limiter = new RateLimiter();
    const once = { perSec: 1, burst: 1 };
    expect(limiter.take("a", once, 0).isAllowed).toBe(true);
    expect(limiter.take("b", once, 0).isAllowed).toBe(true);
    expect(limiter.take("a", once, 0).isAllowed).toBe(false);
  });
});
