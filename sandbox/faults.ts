import { z } from "zod";
import { hash, hashText, unit } from "./random.ts";

export const FAULT_KINDS = [
  "status",
  "truncated_json",
  "html_instead_of_json",
  "js_challenge",
  "blocked",
  "empty_body",
  "revoke_token",
  "slow_headers",
  "slow_body",
  "reset",
  "gzip_bomb",
  "giant_body",
  "no_headers",
  "rerank",
  "repeating_after",
  "lost_anchor",
  // Of Instagram's data API and its gateway.
  "status_false",
  "wrapped",
  "empty_page",
  "more_without_items",
  "per_second",
  "monthly_quota",
  "not_subscribed",
  // Of Instagram's own site.
  "require_login",
  "please_wait",
  "login_redirect",
  "login_page",
  "checkpoint",
  "useragent_mismatch",
  "dead_doc_id",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

const faultSchema = z.strictObject({
  /** One that makes no sense for a request leaves its answer as it is. */
  kind: z.enum(FAULT_KINDS),
  /** Share of the matching requests, 0 to 1. A repeated request draws anew. */
  rate: z.number().min(0).max(1).default(1),
  /** Regular expression on path and query, such as `^/oauth/r/[^/]+/hot`; absent: every request. */
  match: z.string().refine(isRegExp, "a regular expression").optional(),
  /** How often at most; absent: no limit. */
  times: z.int().min(1).optional(),
  /** Of `status`. */
  status: z.int().min(400).max(599).default(503),
  /** Of `status`: the site's HTML page, its JSON, or nothing under a JSON content type. */
  body: z.enum(["html", "json", "empty"]).default("html"),
  /** Of `status`: adds this `retry-after`, as the client is to read it. */
  retry_after_secs: z.number().min(0).optional(),
  /** Of `slow_headers` and `slow_body`, real time: until the answer starts, or until it is whole. */
  delay_ms: z.int().min(0).max(600_000).default(2000),
  /** Of `reset`: before anything, or in the middle of the body. */
  at: z.enum(["headers", "body"]).default("body"),
  /** Of `giant_body` as sent, of `gzip_bomb` when decompressed. */
  size_mbytes: z.int().min(1).max(2000).optional(),
  /** Of `rerank`: how many items of the last page come again. */
  overlap: z.int().min(1).max(100).default(5),
});
const planSchema = z.strictObject({ faults: z.array(faultSchema) });

export type Fault = z.output<typeof faultSchema>;
export type FaultInput = z.input<typeof faultSchema>;

export interface Faults {
  /** Replaces the plan; counters start anew. */
  set(plan: Fault[]): void;
  plan(): Fault[];
  /** The first fault of the plan that befalls this request, or `null`. */
  draw(method: string, pathAndQuery: string): Fault | null;
}

/** @throws {RangeError} naming each wrong field, its value and what would be right */
export function parseFaultPlan(plan: unknown): Fault[] {
  const parsed = planSchema.safeParse(plan);
  if (parsed.success) return parsed.data.faults;
  const mistakes = parsed.error.issues.map(({ path, message }) => {
    const value: unknown = path.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
      plan,
    );
    return `${path.join(".") || "plan"}: ${message}, got ${JSON.stringify(value)}`;
  });
  throw new RangeError(mistakes.join("; "));
}

/** How many different requests are remembered; then counting starts anew. */
const MAX_REMEMBERED = 200_000;

/** Draws depend on the seed, the request and how often it was asked: runs that ask the same meet the same faults. */
export function createFaults(seed: number, initial: Fault[]): Faults {
  let rules: { fault: Fault; pattern: RegExp; left: number }[] = [];
  const asked = new Map<number, number>();
  const set = (plan: Fault[]): void => {
    asked.clear();
    rules = plan.map((fault) => ({
      fault,
      pattern: new RegExp(fault.match ?? ""),
      left: fault.times ?? Infinity,
    }));
  };
  set(initial);
  return {
    set,
    plan: () => rules.map((rule) => rule.fault),
    draw(method, pathAndQuery) {
      if (rules.length === 0) return null;
      const signature = hashText(seed, `${method} ${pathAndQuery}`);
      if (asked.size >= MAX_REMEMBERED) asked.clear();
      const nth = asked.get(signature) ?? 0;
      asked.set(signature, nth + 1);
      for (const [i, rule] of rules.entries()) {
        if (rule.left === 0 || !rule.pattern.test(pathAndQuery)) continue;
        if (unit(hash(seed, i), signature, nth) >= rule.fault.rate) continue;
        rule.left--;
        return rule.fault;
      }
      return null;
    },
  };
}

function isRegExp(source: string): boolean {
  try {
    return Boolean(new RegExp(source));
  } catch {
    return false;
  }
}
