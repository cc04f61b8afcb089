import { z } from "zod";

/**
 * Readers of fields that a site's bodies do not always carry, or not always in the documented type. A missing key,
 * and a value that is something else, is left out: what is not understood is not known. `null` stays `null`: the
 * site says that there is none.
 */
export const text = lenient(z.string());
export const count = lenient(z.number());
/** A length in pixels or seconds. One of nothing is one that the site does not know. */
export const extent = lenient(z.number().positive());
export const flag = lenient(z.boolean());

/** Seconds since 1970; what no calendar has is not a time, and 0 is one that nobody filled in. */
export const Seconds = z.number().positive().max(1e11);
export const time = lenient(Seconds.transform(toIso));

export function lenient<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().catch(undefined);
}

/**
 * What several names of one fact tell: the first value, else `null` when one of them says that there is none. So a
 * `null` counts as none unless another name has a value, and what no name tells stays untold.
 */
export function told<Value>(...names: readonly (Value | null | undefined)[]): Value | null | undefined {
  return (
    names.find((value) => value !== null && value !== undefined) ?? (names.includes(null) ? null : undefined)
  );
}

/** What follows from a value: of none nothing, which is told too; of one that is not told, nothing is told. */
export function fromTold<Value, Derived>(
  value: Value,
  derive: (value: NonNullable<Value>) => Derived,
): Derived | Extract<Value, null | undefined> {
  return value === null || value === undefined ? (value as Extract<Value, null | undefined>) : derive(value);
}

/** @param secs seconds since 1970 */
export function toIso(secs: number): string {
  return new Date(secs * 1000).toISOString();
}
