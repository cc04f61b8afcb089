import type { z } from "zod";
import { andMore, MAX_WORDED } from "../../shared/crawl/input.ts";
import { cut, previewJson } from "../../shared/preview.ts";

/**
 * One line a mistake: field, what would be right, what it is. After the first ones, how many more there are.
 * @param values what was parsed
 */
export function describeIssues(error: z.ZodError, values: unknown, where = ""): string[] {
  const lines: string[] = [];
  let more = 0;
  for (const issue of error.issues) {
    const count = issue.code === "unrecognized_keys" ? issue.keys.length : 1;
    const worded = Math.min(count, MAX_WORDED - lines.length);
    if (worded > 0) lines.push(...describeIssue(issue, values, where).slice(0, worded));
    more += count - worded;
  }
  return more > 0 ? [...lines, andMore(more)] : lines;
}

function describeIssue(issue: z.core.$ZodIssue, values: unknown, where: string): string[] {
  const path = [...(where ? [where] : []), ...issue.path.map((part) => cut(String(part)))].join(".");
  if (issue.code === "unrecognized_keys")
    return issue.keys
      .slice(0, MAX_WORDED)
      .map((key) => `${path ? `${path}.` : ""}${cut(key)}: there is no such field`);
  return [
    `${path || "request"}: expected ${expectation(issue)}, got ${previewJson(valueAt(values, issue.path))}`,
  ];
}

function expectation(issue: z.core.$ZodIssue): string {
  // A schema's own words come before ours; these are zod's.
  if (!/^(?:Invalid|Too |Unrecognized)/.test(issue.message)) return issue.message.replace(/^expected /, "");
  switch (issue.code) {
    case "invalid_type":
      return issue.expected === "int" ? "a whole number" : `a value of type ${issue.expected}`;
    case "too_small":
      return `${sizeOf(issue.origin)} of at least ${issue.minimum}`;
    case "too_big":
      return `${sizeOf(issue.origin)} of at most ${issue.maximum}`;
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    default:
      return issue.message;
  }
}

function sizeOf(origin: string): string {
  return origin === "string" || origin === "array" ? "a length" : "a number";
}

/** Down to the text of a list with commas, which `path` goes on into. */
function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : value),
    values,
  );
}
