import { z } from "zod";
import { InvalidInputError } from "../errors.ts";
import { cut, previewJson } from "../preview.ts";

/** So many mistakes are put into words; the others are counted. */
export const MAX_WORDED = 20;

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

/**
 * The first mistakes in words, and how many more there are.
 * @param raw what the schema has refused
 * @param isMeant whether the mistake at a path is one
 */
export function describeIssues(
  { issues }: z.ZodError,
  raw: unknown,
  isMeant: (path: readonly PropertyKey[]) => boolean = () => true,
): InputIssue[] {
  const worded: InputIssue[] = [];
  let more = 0;
  for (const issue of issues) {
    for (const path of pathsOf(issue)) {
      if (!isMeant(path)) continue;
      if (worded.length < MAX_WORDED) worded.push(describeIssue(issue, path, raw));
      else more++;
    }
  }
  if (more > 0) worded.push({ path: "input", message: andMore(more) });
  return worded;
}

export function andMore(count: number): string {
  return `and ${count.toLocaleString("en")} more`;
}

/** One a mistake: unknown fields are one issue in all. */
function* pathsOf(issue: z.core.$ZodIssue): Generator<readonly PropertyKey[]> {
  if (issue.code !== "unrecognized_keys") yield issue.path;
  else for (const key of issue.keys) yield [...issue.path, key];
}

const NO_FIELD = "no such field; remove it or correct its name";
/** The server has put work in its place where there is any. */
const NOT_DUE = "only the server knows what is due: launch the run there, as `b9 run` does";

function describeIssue(issue: z.core.$ZodIssue, path: readonly PropertyKey[], raw: unknown): InputIssue {
  if (issue.code === "unrecognized_keys")
    return { path: formatPath(path), message: path.length === 1 && path[0] === "due" ? NOT_DUE : NO_FIELD };
  const wanted = issue.message
    .replace(/^(Invalid (input|option)|Too (small|big)): /, "")
    .replace(/, received .*$/, "");
  return {
    path: formatPath(path),
    message: `${wanted}, got ${previewJson(valueAt(raw, path))}`,
  };
}

function formatPath(path: readonly PropertyKey[]): string {
  const text = path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${cut(String(part))}`))
    .join("");
  return text.replace(/^\./, "") || "input";
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      value !== null && typeof value === "object" ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    raw,
  );
}
