const UNIT_MS: Record<string, number> = { millisecond: 1, second: 1_000, minute: 60_000, hour: 3_600_000 };

/**
 * How long a `Retry-After` header asks to wait, in milliseconds: delay seconds (fractions too, which some
 * servers send) or an HTTP date in any of its three forms; the longest where it came several times. `null` for nothing,
 * nonsense, zero and the past.
 *
 * @see RFC 9110 §10.2.3 and §5.6.7
 */
export function parseRetryAfter(value: string | undefined, now: number): number | null {
  const text = value?.trim() ?? "";
  if (/^[\d.\s,]+$/.test(text)) return positive(Math.max(...text.split(",").map(Number)) * 1000);
  if (!/^[A-Z][a-z]{2,8},? /.test(text)) return null;
  // The asctime form has no zone, and means GMT like the others.
  return positive(Date.parse(text.endsWith("GMT") ? text : `${text} GMT`) - now);
}

/**
 * The wait that a sentence asks for, in milliseconds: "you are doing that too much. try again in 9 minutes.",
 * "Take a break for 5 seconds before trying again." (Reddit's RATELIMIT messages); `null` without one.
 */
export function findRetryHint(text: string): number | null {
  const hint = /(?:try again in|break for) (\d+(?:\.\d+)?) (millisecond|second|minute|hour)s?\b/i.exec(text);
  return hint ? positive(Number(hint[1]) * UNIT_MS[hint[2]!.toLowerCase()]!) : null;
}

function positive(ms: number): number | null {
  return Number.isFinite(ms) && ms > 0 ? Math.round(ms) : null;
}
