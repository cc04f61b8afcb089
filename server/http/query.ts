import { z } from "zod";

/** Types of query parameters, which arrive as text. */

export const int = (min: number, max: number) => {
  const error = `a whole number ${min}–${max}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error });
};

export const number = (min: number, max: number) => {
  const error = `a number ${min}–${max}`;
  return z.coerce.number({ error }).min(min, { error }).max(max, { error });
};

/** Postgres takes any text but one with a NUL. */
export const text = () => z.string().regex(/^[^\0]*$/, { error: "text without NUL" });

/**
 * A name of a site, in whatever form `read` takes it, as an address for one. What it does not take stands for itself:
 * whether it is in a table, the table says.
 */
export const siteName = (read: (given: string) => string | null) =>
  text()
    .min(1)
    .max(300)
    .transform((given) => read(given) ?? given);

/** `true` and `false`; Apify's clients send `1` and `0`. */
export const flag = () =>
  z
    .stringbool({ truthy: ["true", "1"], falsy: ["false", "0"], error: "true or false" })
    .meta({ type: "boolean" });

/** Comma-separated, at most 100. */
export const list = (item: z.ZodType<string, string> = z.string().min(1).max(200)) =>
  z
    .string()
    .transform((given) =>
      given
        .split(",")
        .map((part) => part.trim())
        .filter(Boolean),
    )
    .pipe(z.array(item).min(1).max(100))
    .meta({ type: "string", description: "comma-separated" });

const DATE = "a date such as 2026-01-31 or 2026-01-31T12:00:00Z";

/** A date, or a date with its time, in UTC unless it says otherwise. */
export const timestamp = () =>
  z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/, {
      error: DATE,
    })
    // JavaScript takes a time without a zone for one of the machine's.
    .transform(
      (given) =>
        new Date(/:\d{2}(?:\.\d+)?$/.test(given) && !/[+-]\d{2}:\d{2}$/.test(given) ? `${given}Z` : given),
    )
    .pipe(z.date({ error: DATE }))
    .meta({ type: "string", format: "date-time" });
