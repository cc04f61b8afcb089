import { z } from "zod";
import { lenient, Seconds, toIso } from "../../shared/parse/fields.ts";

/** A whole number that the tables' columns take: no score, karma or membership of Reddit's is anything else. */
export const whole = lenient(z.int32());

/** The name that Reddit gives to accounts that are gone becomes `null`. */
export const author = lenient(z.string().transform((name) => (name === "[deleted]" ? null : name)));

/** When something was edited: `null` when never. Very old edits say only `true`: when, nobody knows. */
export const edited = z
  .union([z.literal([false, null]), Seconds])
  .transform((at) => (at === false || at === null ? null : toIso(at)))
  .optional()
  .catch(undefined);
