import { z } from "zod";
import { flag, int, list } from "../../http/query.ts";

/**
 * Apify's wire format, as its official clients read and write it. Fields that are not theirs are additions of ours.
 * @see https://docs.apify.com/api/v2
 */

/** `{"data": …}`, which every answer is but items, records and logs. */
export const envelope = <Schema extends z.ZodType>(data: Schema) => z.object({ data });

/** What a page of a list is in; the clients go on by `total` and `offset`. */
export const listOf = <Schema extends z.ZodType>(item: Schema) =>
  envelope(
    z.object({
      total: z.int(),
      offset: z.int(),
      limit: z.int(),
      count: z.int(),
      desc: z.boolean(),
      items: z.array(item),
    }),
  );

export interface Paging {
  limit: number;
  offset: number;
  desc: boolean;
}

const MAX_LIMIT = 1_000;
const MAX_OFFSET = Number.MAX_SAFE_INTEGER;

/** 0 counts as absent, as the clients have it; more than `max` is `max`. */
export const limit = (max = MAX_LIMIT) =>
  int(0, MAX_OFFSET)
    .default(max)
    .transform((value) => Math.min(value || max, max))
    .meta({ type: "integer" });

export const offset = int(0, MAX_OFFSET).default(0);

/** Lists are in the order of creation unless `desc`. */
export const paging = { limit: limit(), offset, desc: flag().default(false) };

/** Names of fields in their order, comma-separated. */
export const names = (max = 2_000) =>
  z
    .string()
    .transform((text) => text.split(",").filter(Boolean))
    .refine((given) => given.length <= max, { error: `up to ${max} names` })
    .meta({ type: "string" });

/** Some of `values`, comma-separated. */
export const choices = <const Value extends string>(values: readonly Value[]) =>
  list().pipe(z.array(z.enum(values)));

/** Apify's servers hold a request for a minute at the most; the clients ask again. */
export const waitForFinish = int(0, MAX_OFFSET)
  .default(0)
  .transform((secs) => Math.min(secs, 60))
  .meta({ type: "integer", description: "Holds the answer until the run has ended, for up to 60 s" });

export function toList<Item>(items: Item[], total: number, { limit: shown, offset: from, desc }: Paging) {
  return { data: { total, offset: from, limit: shown, count: items.length, desc, items } };
}

/** Who owns everything: there are no accounts here. */
export const USER = { id: "me", username: "me" } as const;

export const date = z.date().meta({ type: "string", format: "date-time" });
