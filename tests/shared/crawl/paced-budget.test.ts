import { describe, expect, it } from "vitest";
import { type Dispatch, LocalBudget } from "../../../shared/crawl/budget.ts";
import { JointBudget, PacedBudget } from "../../../shared/crawl/paced-budget.ts";

const SECOND = { requests: 10, windowMs: 1_000 };
const options = { random: () => 0 };

describe("PacedBudget", () => {
  it("keeps its calls apart, a little further than the ceiling demands", () => {
    const budget = new PacedBudget("key", SECOND);
    expect(budget.opensAt()).toBeLessThanOrEqual(5_000);
    budget.sent(5_000);
    expect(budget.opensAt()).toBeCloseTo(5_110);
  });

  it("is shut until the window ends that has nothing left", () => {
    const budget = new PacedBudget("key", SECOND);
    budget.answered(budget.sent(0), 200, { used: 10, remaining: 0, resetMs: 700 });
    expect(budget.opensAt()).toBe(900);
    budget.answered(budget.sent(900), 1_000, { used: 1, remaining: 9, resetMs: 900 });
    expect(budget.opensAt()).toBeCloseTo(1_010);
  });

  it("backs off for twice as long with each refusal in a row, once a burst", () => {
    const budget = new PacedBudget("key", SECOND, options);
    const burst = [budget.sent(0), budget.sent(110)];
    for (const dispatch of burst) budget.throttled(dispatch, 500, null);
    expect(budget.opensAt()).toBe(2_500);
    budget.throttled(budget.sent(2_500), 2_600, null);
    expect(budget.opensAt()).toBe(6_600);
    budget.answered(budget.sent(6_600), 6_700, null);
    budget.throttled(budget.sent(6_800), 7_000, null);
    expect(budget.opensAt()).toBe(9_000);
    expect(budget.stats).toMatchObject({ sent: 5, throttled: 4 });
  });

  it("waits as long as a refusal says", () => {
    const budget = new PacedBudget("key", SECOND, options);
    budget.throttled(budget.sent(0), 100, 1_000);
    expect(budget.opensAt()).toBe(1_100);
  });
});

describe("JointBudget", () => {
  const joint = (perHour: number) => {
    const second = new PacedBudget("key", SECOND, options);
    const hour = new LocalBudget("key", { requests: perHour, windowMs: 3_600_000 }, options);
    return new JointBudget([second, hour]);
  };

  it("is open when all of its parts are", () => {
    const budget = joint(2);
    budget.answered(budget.sent(0), 50, null);
    expect(budget.opensAt(50, false)).toBeCloseTo(110);
    budget.answered(budget.sent(110), 150, null);
    // The hour has no third one.
    expect(budget.opensAt(150, false)).toBe(3_600_000);
    expect(budget.available(150)).toBe(0);
    expect(budget.ceiling.requests).toBe(2);
  });

  it("takes a reading for the window that it can be about", () => {
    const budget = joint(1_000);
    budget.answered(budget.sent(0), 50, { used: 10, remaining: 0, resetMs: 800 });
    expect(budget.opensAt(50, false)).toBe(850);
    budget.answered(budget.sent(850), 900, { used: 995, remaining: 5, resetMs: 1_800_000 });
    expect(budget.available(900)).toBe(5);
    budget.answered(budget.sent(1_000), 1_050, { used: 1_000, remaining: 0, resetMs: 1_799_850 });
    expect(budget.opensAt(1_050, false)).toBe(1_800_900);
  });

  it("has no more in flight than the site told of the window that has the least left", () => {
    const budget = joint(1_000);
    const tell = (dispatch: Dispatch, at: number, remaining: number) =>
      budget.answered(dispatch, at, { used: 10 - remaining, remaining, resetMs: 800 });
    for (const at of [0, 200, 400]) tell(budget.sent(at), at + 50, 2);
    const [first, second] = [budget.sent(600), budget.sent(800)];
    expect(budget.opensAt(1_000, false)).toBe(Infinity);
    // The one that tells less was counted after the one that told more.
    tell(second, 1_050, 8);
    tell(first, 1_100, 9);
    const third = budget.sent(1_200);
    budget.answered(third, 1_300, { used: 27, remaining: 3, resetMs: 1_800_000 });
    expect(budget.available(1_300)).toBe(3);
    for (const at of [1_400, 1_600]) budget.sent(at);
    expect(budget.opensAt(1_800, false)).toBe(1_800);
    budget.sent(1_800);
    expect(budget.opensAt(2_000, false)).toBe(1_801_300);
  });

  it("lets one alone find out where nothing is certainly left", () => {
    const budget = joint(1_000);
    for (const at of [0, 200, 400, 600])
      budget.answered(budget.sent(at), at + 50, { used: 10, remaining: 0, resetMs: 100 });
    expect(budget.opensAt(800, false)).toBe(800);
    budget.sent(800);
    expect(budget.opensAt(1_000, false)).toBe(Infinity);
  });

  it("takes a refusal for one of the shortest window", () => {
    const budget = joint(1_000);
    budget.throttled(budget.sent(0), 50, 1_000, null);
    expect(budget.opensAt(50, false)).toBe(1_050);
    expect(budget.stats).toMatchObject({ sent: 1, throttled: 1 });
  });

  it("sends no more than a quota has left, whatever is in flight", () => {
    const budget = joint(1_000);
    const first = budget.sent(0);
    budget.answered(first, 50, null);
    budget.limit(2);
    const [second, third] = [budget.sent(200), budget.sent(400)];
    expect(budget.opensAt(600, false)).toBe(Infinity);
    // One that was asked before tells an older number.
    budget.limit(1);
    budget.limit(2);
    budget.answered(second, 700, null);
    expect(budget.opensAt(700, false)).toBe(Infinity);
    budget.answered(third, 800, null);
    expect(budget.opensAt(800, false)).toBeLessThanOrEqual(800);
    expect(budget.available(800)).toBe(1);
  });

  it("counts the calls of which no answer tells, until one does", () => {
    const budget = joint(1_000);
    budget.limit(3);
    budget.limit(null);
    budget.limit(null);
    expect(budget.available(0)).toBe(1);
    budget.limit(null);
    expect(budget.opensAt(0, false)).toBe(Infinity);
    budget.limit(2);
    expect(budget.available(0)).toBe(2);
  });
});
