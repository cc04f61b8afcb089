import type { z } from "zod";
import { InvalidInputError } from "../errors.ts";
import { formatIssue, type IssueOptions, parseValue } from "../parse/issues.ts";

/** How mistakes of a run input are told. */
export const INPUT_ISSUES: IssueOptions = {
  whole: "input",
  unknownFields: {
    /** The server has put work in its place where there is any. */
    due: "only the server knows what is due: launch the run there, as `b9 run` does",
  },
};

/**
 * `raw` as the actor's schema reads it.
 * @throws {InvalidInputError} one line for every wrong field: path, what would be right, value
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, raw: unknown): z.output<Schema> {
  const parsed = parseValue(schema, raw, INPUT_ISSUES);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(`invalid input:\n  ${parsed.issues.map(formatIssue).join("\n  ")}`);
}
