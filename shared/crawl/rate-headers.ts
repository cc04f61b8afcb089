import type { BudgetCeiling, Reading } from "./budget.ts";

/** Headers that tell of one window, as they came. */
export interface RateHeaders {
  remaining: string | undefined;
  /** Seconds to the window's end. */
  reset: string | undefined;
  used?: string | undefined;
  limit?: string | undefined;
}

/** Windows that end later are none: a header may have a date where seconds were expected. */
const MAX_WINDOW_SECS = 86_400;

/**
 * The window that rate headers tell. Where one of them cannot be read, the others tell as much as they can, and the
 * rest is what costs the least if it is wrong.
 * @param assumed what is taken for the window where the headers do not tell
 * @returns `null` when there are none
 */
export function readWindow(headers: RateHeaders, assumed: BudgetCeiling): Reading {
  if (headers.remaining === undefined && headers.used === undefined) return null;
  const told = { used: largest(headers.used), limit: smallest(headers.limit) };
  const left = smallest(headers.remaining) ?? leftOf(told, assumed);
  if (left === null) return "unreadable";
  const remaining = Math.max(0, Math.floor(left));
  const used = Math.max(0, told.used ?? (told.limit ?? remaining) - remaining);
  return { used, remaining, resetMs: readReset(headers.reset) ?? assumed.windowMs };
}

/** The least that a count header tells, never below zero; `null` when there is none, or none that can be read. */
export function readCount(value: string | undefined): number | null {
  const count = smallest(value);
  return count === null ? null : Math.max(0, Math.floor(count));
}

/** Numbers of a header that may have come several times, which arrives as a list: `991, 98`. */
function readNumbers(value: string | undefined): number[] {
  return (value ?? "")
    .split(/[,;]/)
    .map((part) => part.trim().replace(/^"(.*)"$/, "$1"))
    .filter((part) => /^[+-]?\d+(?:\.\d*)?$/.test(part))
    .map(Number)
    .filter((count) => Math.abs(count) <= Number.MAX_SAFE_INTEGER);
}

function smallest(value: string | undefined): number | null {
  const numbers = readNumbers(value);
  return numbers.length > 0 ? Math.min(...numbers) : null;
}

function largest(value: string | undefined): number | null {
  const numbers = readNumbers(value);
  return numbers.length > 0 ? Math.max(...numbers) : null;
}

function leftOf(
  { used, limit }: { used: number | null; limit: number | null },
  { requests }: BudgetCeiling,
): number | null {
  return used === null ? null : (limit ?? requests) - used;
}

/** Of several ends the last one; a window that is over by now is over soon. */
function readReset(value: string | undefined): number | null {
  const secs = largest(value);
  if (secs === null || secs < 0 || secs > MAX_WINDOW_SECS) return null;
  return secs === 0 ? 1_000 : secs * 1_000;
}
