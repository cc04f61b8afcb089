import { expect, it } from "vitest";
import { dayName, daysBetween, percentile, roundTo } from "../../../shared/parse/numbers.ts";

it.each([
  [[5], 0.1, 5],
  [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 0.1, 2],
  [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 0.1, 1.9],
  [[0, 100], 0.25, 25],
  [[3, 1, 2], 1, 3],
])("of %j the share %f lies below %f", (values, share, expected) => {
  expect(percentile(values, share)).toBeCloseTo(expected, 10);
});

it("days are counted with their fractions", () => {
  expect(daysBetween("2026-01-01T00:00:00.000Z", "2026-01-02T12:00:00.000Z")).toBe(1.5);
});

it("the day is that of UTC", () => {
  expect(dayName(new Date("2026-01-01T23:59:59.999Z"))).toBe("Thursday");
});

it("rounds to decimals", () => {
  expect([roundTo(2 / 3, 4), roundTo(2.5, 0)]).toEqual([0.6667, 3]);
});
