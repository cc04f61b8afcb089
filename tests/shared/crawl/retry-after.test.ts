import { expect, it } from "vitest";
import { findRetryHint, parseRetryAfter } from "../../../shared/crawl/retry-after.ts";

const now = Date.parse("1994-11-06T08:49:00Z");

it.each([
  ["120", 120_000],
  [" 1.5 ", 1_500],
  ["5, 120", 120_000],
  ["1.2.3", null],
  [",", null],
  ["Sun, 06 Nov 1994 08:49:37 GMT", 37_000],
  ["Sunday, 06-Nov-94 08:49:37 GMT", 37_000],
  ["Sun Nov  6 08:49:37 1994", 37_000],
  ["Sun, 06 Nov 1994 08:48:00 GMT", null],
  ["0", null],
  ["0.0", null],
  ["-5", null],
  ["", null],
  [undefined, null],
  ["soon", null],
  ["1e3", null],
  ["9".repeat(400), null],
  ["Someday, maybe", null],
])("reads Retry-After %s", (value, ms) => {
  expect(parseRetryAfter(value, now)).toBe(ms);
});

it.each([
  ["you are doing that too much. try again in 9 minutes.", 540_000],
  ["Looks like you've been doing that a lot. Take a break for 5 seconds before trying again.", 5_000],
  ["try again in 1 minute", 60_000],
  ["Try again in 250 milliseconds", 250],
  ["try again in 0 seconds", null],
  ["try again later", null],
])("reads the hint of: %s", (text, ms) => {
  expect(findRetryHint(text)).toBe(ms);
});
