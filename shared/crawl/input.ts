import { z } from "zod";
import { InvalidInputError } from "../errors.ts";

/** One mistake in an input. */
export interface InputIssue {
  /** `listings[0].sort`; the input itself is `input`. */
  path: string;
  /** What would be right, and what was given. */
  message: string;
}

/**
 * `raw` as the actor's schema reads it.
 * @throws {InvalidInputError} one line for every wrong field: path, what would be right, value
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, raw: unknown): z.output<Schema> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const lines = describeIssues(parsed.error, raw).map(({ path, message }) => `${path}: ${message}`);
  throw new InvalidInputError(`invalid input:\n  ${lines.join("\n  ")}`);
}

/** @param raw what the schema has refused */
export function describeIssues({ issues }: z.ZodError, raw: unknown): InputIssue[] {
  return issues.flatMap((issue) => describeIssue(issue, raw));
}

const NO_FIELD = "no such field; remove it or correct its name";
/** The server has put work in its place where there is any. */
const NOT_DUE = "only the server knows what is due: launch the run there, as `b9 run` does";

function describeIssue(issue: z.core.$ZodIssue, raw: unknown): InputIssue[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: formatPath([...issue.path, key]),
      message: key === "due" && issue.path.length === 0 ? NOT_DUE : NO_FIELD,
    }));
  }
  const wanted = issue.message
    .replace(/^(Invalid (input|option)|Too (small|big)): /, "")
    .replace(/, received .*$/, "");
  return [
    {
      path: formatPath(issue.path),
      message: `${wanted}, got ${formatValue(valueAt(raw, issue.path))}`,
    },
  ];
}

function formatPath(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  return text.replace(/^\./, "") || "input";
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      value !== null && typeof value === "object" ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    raw,
  );
}

function formatValue(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
