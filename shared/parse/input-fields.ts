import { z } from "zod";

/** Parts of a run input: each says in words what it expects. */

export function name(toName: (text: string) => string | null, error: string) {
  return z.string({ error }).transform((text, ctx): string => {
    const bare = toName(text);
    if (bare !== null) return bare;
    ctx.addIssue({ code: "custom", message: error });
    return z.NEVER;
  });
}

/** The longest list of an input. */
const MAX_ELEMENTS = 100_000;

export function list<Element extends z.ZodType>(element: Element, what: string) {
  return boundedArray(element, { max: MAX_ELEMENTS, what });
}

/** An array; one that is longer than `max` is refused before its elements are looked at. @param what they are */
export function boundedArray<Element extends z.ZodType>(
  element: Element,
  { max, what }: { max: number; what: string },
) {
  return z.preprocess(
    (given, ctx) => {
      if (!Array.isArray(given) || given.length <= max) return given;
      const [most, length] = [max, given.length].map((count) => count.toLocaleString("en"));
      ctx.addIssue({ code: "custom", message: `expected a list of up to ${most} ${what}, not of ${length}` });
      return z.NEVER;
    },
    z.array(element, { error: `expected a list of ${what}` }),
  );
}

export function choice<const Values extends readonly string[]>(values: Values) {
  return z.enum(values, { error: `expected one of ${values.join(", ")}` });
}

export function flag(byDefault: boolean) {
  return z.boolean({ error: "expected true or false" }).default(byDefault);
}

export function wholeNumber(min: number, max: number) {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export function isoDate() {
  const error = "expected a date in ISO 8601, as 2026-01-31 or 2026-01-31T12:00:00Z";
  return z
    .union([z.iso.date(), z.iso.datetime({ offset: true })], { error })
    .transform((date) => new Date(date).toISOString());
}
