import type { z } from "zod";
import { readParts } from "./parts.ts";
import { UnexpectedShapeError } from "../errors.ts";
import { formatIssue, parseValue } from "./issues.ts";

/** A part of an answer that could not be read, and why. */
export interface SkippedChild {
  /** Its fullname where it has one, else its place as `#n`; of a part of it, `/` and its name behind that. */
  id: string;
  reason: string;
}

/**
 * `value` as `schema` reads it.
 * @param what is expected, for the message
 * @throws {UnexpectedShapeError} naming each wrong field
 */
export function readShape<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  // What a site says of people stays out of messages.
  const parsed = parseValue(schema, value, { whole: "body", showsValues: false });
  if (parsed.success) return parsed.data;
  throw new UnexpectedShapeError(`not ${what}: ${parsed.issues.map(formatIssue).join("; ")}`);
}

/**
 * Reads each value for itself: one that cannot be read does not lose its neighbours, it is told in `skipped`, as is a
 * part of one.
 */
export function readEach<Value, Read>(
  entries: readonly (readonly [id: string, value: Value])[],
  read: (value: Value, id: string) => Read,
): { items: Read[]; skipped: SkippedChild[] } {
  const items: Read[] = [];
  const skipped: SkippedChild[] = [];
  for (const [id, value] of entries) {
    try {
      const whole = readParts(id, () => read(value, id));
      items.push(whole.value);
      skipped.push(...whole.skipped);
    } catch (error) {
      if (!(error instanceof UnexpectedShapeError)) throw error;
      skipped.push({ id, reason: error.message });
    }
  }
  return { items, skipped };
}

/** @throws {UnexpectedShapeError} when there was something to read and nothing of it could be read */
export function assertSomeRead({
  items,
  skipped,
}: {
  items: readonly unknown[];
  skipped: readonly SkippedChild[];
}): void {
  if (skipped.length > 0 && items.length === 0)
    throw new UnexpectedShapeError(`none of ${skipped.length} children can be read: ${skipped[0]!.reason}`);
}
