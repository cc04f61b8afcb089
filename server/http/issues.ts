import type { z } from "zod";

const MAX_SHOWN = 100;

/** One line a mistake: field, what would be right, what it is. @param values what was parsed */
export function describeIssues(error: z.ZodError, values: unknown, where = ""): string[] {
  return error.issues.flatMap((issue) => {
    const path = [...(where ? [where] : []), ...issue.path.map(String)].join(".");
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => `${path ? `${path}.` : ""}${show(key, false)}: there is no such field`);
    return [`${path || "request"}: expected ${expectation(issue)}, got ${show(valueAt(values, issue.path))}`];
  });
}

function expectation(issue: z.core.$ZodIssue): string {
  // A schema's own words come before ours; these are zod's.
  if (!/^(?:Invalid|Too |Unrecognized)/.test(issue.message)) return issue.message;
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

function show(value: unknown, quoted = true): string {
  if (value === undefined) return "nothing";
  const text = quoted ? JSON.stringify(value) : String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
