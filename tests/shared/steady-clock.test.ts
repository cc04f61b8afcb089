import { afterEach, expect, it, vi } from "vitest";
import { steadyNow } from "../../shared/steady-clock.ts";

afterEach(() => vi.useRealTimers());

it("begins near the time of day, and does not follow it when that is set", () => {
  const before = steadyNow();
  expect(Math.abs(before - Date.now())).toBeLessThan(60_000);
  vi.useFakeTimers({ toFake: ["Date"] });
  for (const hours of [-1, 1, 24]) {
    vi.setSystemTime(before + hours * 3_600_000);
    expect(steadyNow()).toBeGreaterThanOrEqual(before);
    expect(steadyNow() - before).toBeLessThan(60_000);
  }
});
