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

/** `true` and `false`; Apify's clients send `1` and `0`. */
export const flag = () =>
  z
    .stringbool({ truthy: ["true", "1"], falsy: ["false", "0"], error: "true or false" })
    .meta({ type: "boolean" });

/** Comma-separated, at most 100. */
export const list = (item: z.ZodType<string, string> = z.string().min(1).max(200)) =>
  z
    .string()
    .transform((text) =>
      text
        .split(",")
        .map((part) => part.trim())
        .filter(Boolean),
    )
    .pipe(z.array(item).min(1).max(100))
    .meta({ type: "string", description: "comma-separated" });

const DATE = "a date such as 2026-01-31 or 2026-01-31T12:00:00Z";

/** A date, or a date with its time, of the years that Postgres and JavaScript agree on. */
export const timestamp = () =>
  z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/, {
      error: DATE,
    })
    .transform((text) => new Date(text))
    .pipe(z.date({ error: DATE }))
    .meta({ type: "string", format: "date-time" });
