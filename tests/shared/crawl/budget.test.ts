import { describe, expect, it } from "vitest";
import { LocalBudget } from "../../../shared/crawl/budget.ts";

const CEILING = { requests: 1000, windowMs: 600_000 };
const budget = (ceiling = CEILING) => new LocalBudget("main", ceiling, { random: () => 0 });

/** Sends one request at `at` that is answered 10 ms later with these headers. */
function exchange(target: LocalBudget, at: number, used: number, remaining: number, resetMs: number): void {
  target.answered(target.sent(at), at + 10, { used, remaining, resetMs });
}

describe("headers that cannot be read", () => {
  it("let one request at a time go, over the whole window", () => {
    const main = budget();
    let [now, sent] = [0, 0];
    while (now < 60_000) {
      const dispatch = main.sent(now);
      sent++;
      expect(main.opensAt(now, false)).toBeGreaterThanOrEqual(now + 2_000);
      main.answered(dispatch, now + 10, "unreadable");
      now = main.opensAt(now + 10, false);
    }
    // A tenth of the window has a tenth of the ceiling.
    expect(sent).toBeGreaterThan(95);
    expect(sent).toBeLessThan(105);
  });

  it("count in the window that others have told of, and are forgotten with the next that can be read", () => {
    const main = budget();
    exchange(main, 0, 990, 10, 60_000);
    main.answered(main.sent(20), 30, "unreadable");
    expect(main.available(31)).toBe(9);
    expect(main.opensAt(31, false)).toBeGreaterThan(5_000);
    exchange(main, 7_000, 992, 8, 53_000);
    expect(main.opensAt(7_020, false)).toBe(7_020);
  });
});

describe("pacing", () => {
  it("lets one request alone find out what a window has", () => {
    const main = budget();
    expect(main.opensAt(0, false)).toBe(0);
    const probe = main.sent(0);
    expect(main.opensAt(1, false)).toBeGreaterThan(1_000);
    main.answered(probe, 10, { used: 1, remaining: 999, resetMs: 600_000 });
    expect(main.opensAt(11, false)).toBe(11);
  });

  it("lets a second request find out when the first one hangs", () => {
    const main = budget();
    main.sent(0);
    expect(main.opensAt(100, false)).toBe(2_000);
  });

  it("does not count a request that did not leave, and lets another one find out", () => {
    const main = budget();
    main.unsent(main.sent(0));
    expect(main.stats.sent).toBe(0);
    expect(main.opensAt(1, false)).toBe(1);
    exchange(main, 2, 990, 10, 60_000);
    for (let i = 0; i < 50; i++) main.unsent(main.sent(20));
    expect(main.available(21)).toBe(10);
    expect(main.opensAt(21, false)).toBe(21);
  });

  it("does not wait while there is more left than asked for", () => {
    const main = budget();
    exchange(main, 0, 900, 100, 60_000);
    main.sent(20);
    expect(main.opensAt(21, false)).toBe(21);
  });

  it("spreads what is left over the rest of the window", () => {
    const main = budget();
    exchange(main, 0, 900, 100, 60_000);
    main.answered(main.sent(1_000), 1_010, { used: 901, remaining: 99, resetMs: 59_000 });
    const next = main.opensAt(1_020, true);
    expect(next - 1_000).toBeGreaterThan(550);
    expect(next - 1_000).toBeLessThan(610);
  });

  it("uses a whole window when it is spread", () => {
    const main = budget();
    exchange(main, 0, 0, 100, 10_000);
    let [now, sent] = [10, 0];
    while (now < 10_000) {
      now = Math.max(now, main.opensAt(now, true));
      if (now >= 10_000) break;
      sent++;
      exchange(main, now, sent, 100 - sent, 10_000 - now - 10);
    }
    expect(sent).toBe(100);
  });

  it("counts requests in flight as used", () => {
    const main = budget();
    exchange(main, 0, 998, 2, 60_000);
    main.sent(20);
    main.sent(20);
    expect(main.available(21)).toBe(0);
    expect(main.opensAt(21, false)).toBe(60_010);
  });

  it("stays at the lowest count when answers overtake each other", () => {
    const main = budget();
    exchange(main, 0, 1, 999, 600_000);
    const [first, second] = [main.sent(20), main.sent(20)];
    main.answered(second, 40, { used: 3, remaining: 997, resetMs: 599_970 });
    main.answered(first, 50, { used: 2, remaining: 998, resetMs: 599_970 });
    expect(main.available(51)).toBe(997);
  });

  it("is not told by an older answer that more is left when a newer one told nothing", () => {
    const main = budget();
    exchange(main, 0, 1, 999, 600_000);
    const [first, second] = [main.sent(20), main.sent(20)];
    main.answered(second, 40, null);
    main.answered(first, 50, { used: 2, remaining: 998, resetMs: 599_970 });
    expect(main.available(51)).toBe(997);
    exchange(main, 60, 4, 996, 599_930);
    expect(main.available(71)).toBe(996);
  });

  it("gives out nothing twice and loses nothing, in whatever order answers come", () => {
    const main = budget();
    exchange(main, 0, 1, 10, 600_000);
    const [first, second, third] = [main.sent(20), main.sent(20), main.sent(20)];
    main.answered(third, 40, null);
    main.answered(second, 50, { used: 3, remaining: 8, resetMs: 599_970 });
    expect(main.available(51)).toBe(7);
    main.answered(first, 60, { used: 2, remaining: 9, resetMs: 599_970 });
    expect(main.available(61)).toBe(7);
  });

  it("opens the next window with one request alone", () => {
    const main = budget();
    exchange(main, 0, 1000, 0, 5_000);
    expect(main.opensAt(20, false)).toBe(5_010);
    main.sent(5_010);
    expect(main.opensAt(5_011, false)).toBe(7_010);
  });

  it("stays shut when the window turns out not to be over", () => {
    const main = budget();
    exchange(main, 0, 1000, 0, 5_000);
    exchange(main, 5_010, 1000, 0, 800);
    expect(main.opensAt(5_021, false)).toBe(5_820);
  });

  it("ignores a late answer of the window before", () => {
    const main = budget();
    exchange(main, 0, 500, 500, 5_000);
    const late = main.sent(4_900);
    exchange(main, 5_100, 1, 999, 600_000);
    main.answered(late, 5_200, { used: 999, remaining: 1, resetMs: 100 });
    expect(main.available(5_201)).toBe(999);
  });

  it("believes that a site has no headers after three answers, one after the other", () => {
    const main = budget();
    for (const at of [0, 100, 200]) {
      expect(main.opensAt(at, false)).toBe(at);
      const dispatch = main.sent(at);
      expect(main.opensAt(at + 1, false)).toBeGreaterThan(at + 1_000);
      main.answered(dispatch, at + 50, null);
    }
    main.sent(300);
    expect(main.opensAt(301, false)).toBe(301);
  });

  it("has no more than the last window where nothing tells what the next one has", () => {
    const main = budget();
    exchange(main, 0, 1, 19, 2_000);
    main.answered(main.sent(2_100), 2_110, null);
    expect(main.available(2_120)).toBe(19);
    exchange(main, 2_130, 7, 13, 1_800);
    expect(main.available(2_150)).toBe(13);
  });

  it("does not take a slow answer for a new window, whose rest it would give out once more", () => {
    const main = budget();
    exchange(main, 0, 900, 100, 60_000);
    const slow = main.sent(1_000);
    exchange(main, 1_900, 999, 1, 58_100);
    main.answered(slow, 2_000, { used: 901, remaining: 99, resetMs: 60_000 });
    expect(main.available(2_000)).toBe(1);
  });

  it("never exceeds the ceiling that the operator set", () => {
    const main = budget({ requests: 100, windowMs: 600_000 });
    for (let i = 0; i < 40; i++) exchange(main, i * 20, i + 1, 999 - i, 600_000 - i * 20);
    expect(main.available(1_000)).toBe(60);
  });

  it("does not hold what others used of a larger window against the ceiling", () => {
    const main = budget();
    exchange(main, 0, 3_000, 7_000, 600_000);
    expect(main.available(20)).toBe(999);
  });

  it("takes the ceiling for the budget of a site without headers", () => {
    const main = budget({ requests: 3, windowMs: 1_000 });
    for (const at of [0, 20, 40]) main.answered(main.sent(at), at + 10, null);
    expect(main.opensAt(60, false)).toBe(1_000);
    expect(main.opensAt(1_000, false)).toBe(1_000);
  });
});

describe("backoff", () => {
  it("waits as long as Retry-After says", () => {
    const main = budget();
    main.throttled(main.sent(0), 10, 7_000, null);
    expect(main.opensAt(11, false)).toBe(7_010);
  });

  it("doubles without Retry-After", () => {
    const main = budget();
    main.throttled(main.sent(0), 10, null, null);
    expect(main.opensAt(11, false)).toBe(2_010);
    main.throttled(main.sent(2_010), 2_020, null, null);
    expect(main.opensAt(2_021, false)).toBe(6_020);
  });

  it("counts the 429s of one burst once", () => {
    const main = budget();
    exchange(main, 0, 1, 999, 600_000);
    const burst = [20, 21, 22].map((at) => main.sent(at));
    for (const dispatch of burst) main.throttled(dispatch, 30, null, null);
    expect(main.opensAt(31, false)).toBe(2_030);
    expect(main.stats.throttled).toBe(3);
  });

  it("starts again small after a quiet time", () => {
    const main = budget();
    main.throttled(main.sent(0), 10, null, null);
    main.throttled(main.sent(2_010), 2_020, null, null);
    exchange(main, 20_000, 1, 999, 600_000);
    main.throttled(main.sent(20_100), 20_110, null, null);
    expect(main.opensAt(20_111, false)).toBe(22_110);
  });

  it("comes back with one request alone", () => {
    const main = budget();
    exchange(main, 0, 1, 999, 600_000);
    main.throttled(main.sent(20), 30, 1_000, null);
    main.sent(1_030);
    expect(main.opensAt(1_031, false)).toBeGreaterThan(1_031);
  });

  it("does not come back with an answer to what was sent before the 429", () => {
    const main = budget();
    exchange(main, 0, 900, 100, 60_000);
    const [early, throttled] = [main.sent(20), main.sent(30)];
    exchange(main, 40, 999, 1, 59_960);
    main.throttled(throttled, 60, 1_000, null);
    main.answered(early, 2_000, { used: 901, remaining: 99, resetMs: 59_980 });
    main.sent(2_010);
    expect(main.opensAt(2_020, false)).toBeGreaterThan(3_000);
  });

  it("does not let a hostile Retry-After park the crawl for more than an hour", () => {
    const main = budget();
    main.throttled(main.sent(0), 0, 1e12, null);
    expect(main.opensAt(1, false)).toBe(3_600_000);
  });
});
