import { z } from "zod";

/**
 * Readers of fields that a site's bodies do not always carry, or not always in the documented type. A missing key,
 * and a value that is something else, is left out: what is not understood is not known. `null` stays `null`: the
 * site says that there is none.
 */
export const text = lenient(z.string());
export const count = lenient(z.number());
export const flag = lenient(z.boolean());

/** Seconds since 1970; what no calendar has is not a time. */
export const Seconds = z.number().min(0).max(1e11);
export const time = lenient(Seconds.transform(toIso));

export function lenient<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().catch(undefined);
}

/** @param secs seconds since 1970 */
export function toIso(secs: number): string {
  return new Date(secs * 1000).toISOString();
}
