import { expect, it } from "vitest";
import { LocalTurnstile } from "../../../shared/crawl/turnstile.ts";

it("lets one in at a time", () => {
  const turnstile = new LocalTurnstile();
  expect(turnstile.opensAt(5)).toBe(5);
  turnstile.entered();
  expect(turnstile.opensAt(1_000_000)).toBe(Infinity);
  turnstile.left(10);
  expect(turnstile.opensAt(10)).toBe(10);
});

it("stays shut after a refusal, longer with each in a row", () => {
  const turnstile = new LocalTurnstile();
  const refuse = (now: number, retryAfterMs: number | null) => {
    turnstile.entered();
    turnstile.left(now, { retryAfterMs });
    return turnstile.opensAt(now) - now;
  };
  const first = refuse(0, null);
  expect(first).toBeGreaterThanOrEqual(2_000);
  expect(refuse(10_000, null)).toBeGreaterThan(first);
  expect(refuse(30_000, 500)).toBe(500);
  turnstile.entered();
  turnstile.left(60_000);
  expect(refuse(70_000, null)).toBeLessThan(3_000);
});
