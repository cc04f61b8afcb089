import { NonRetryableError } from "@crawlee/core";
import type { z } from "zod";
import { formatIssue, parseValue } from "../parse/issues.ts";

/**
 * What an earlier run has left under `key`; `null` when there is nothing.
 * @param record as `getRecord` found it
 * @throws {NonRetryableError} when it cannot be read: taken for nothing, it would be written over, and what lies between
 * the runs would never be read
 */
export function readKnown<Schema extends z.ZodType>(
  schema: Schema,
  record: unknown,
  key: string,
): z.output<Schema> | null {
  if (record === undefined || record === null) return null;
  const parsed = parseValue(schema, record, { whole: "it", showsValues: false });
  if (parsed.success) return parsed.data;
  const problems = parsed.issues.map(formatIssue).join("; ");
  throw new NonRetryableError(
    `record ${key} cannot be read: ${problems}; correct it, or remove it to begin anew`,
  );
}
