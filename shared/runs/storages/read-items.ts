import type { Pool } from "pg";
import type { Item } from "../../crawl/run-storage.ts";
import { withRetry } from "../../db/retry.ts";
import type { Dataset } from "./datasets.ts";

export interface ItemRange {
  offset: number;
  /** `null`: all. */
  limit: number | null;
  /** The last one pushed first. */
  desc: boolean;
}

/** Stored items between two places: what is pushed after the window was opened is not in it. */
export interface ItemWindow {
  id: number;
  day: string;
  /** Place of the first item to be read, and of the last one. */
  first: number;
  last: number;
  desc: boolean;
}

/** So many are in memory at a time. */
const ITEMS_A_PAGE = 200;

/** Items in the order of first sight; `null` when there are none in the range. */
export async function openWindow(
  pool: Pool,
  { stored }: Pick<Dataset, "stored">,
  { offset, limit, desc }: ItemRange,
): Promise<ItemWindow | null> {
  if (!stored || limit === 0) return null;
  const { id, day } = stored;
  const { rows } = await withRetry(
    () =>
      pool.query<{ first: number | null; last: number }>(
        `select nth_place($1, $2, $3, $4) as first,
          coalesce(nth_place($1, $2, $5, $4), nth_place($1, $2, 0, not $4)) as last`,
        [day, id, offset, desc, limit === null ? null : offset + limit - 1],
      ),
    { maxMs: 10_000 },
  );
  const { first, last } = rows[0]!;
  return first === null ? null : { id, day, first, last, desc };
}

/**
 * Each page is a statement of its own, so a slow reader holds no connection.
 * @throws {Error} when the items are removed meanwhile: what was read is not all
 */
export async function* readItemPages(pool: Pool, window: ItemWindow | null): AsyncGenerator<Item[]> {
  if (!window) return;
  const { id, day, first, last, desc } = window;
  const [start, after, end, order] = desc ? ["<=", "<", ">=", "desc"] : [">=", ">", "<=", "asc"];
  for (let at = first, isFirst = true; ; isFirst = false) {
    const { rows } = await withRetry(
      () =>
        pool.query<{ place: number; item: Item }>(
          `select place, item from dataset_items
          where day = $1 and dataset_id = $2 and place ${isFirst ? start : after} $3 and place ${end} $4
          order by place ${order} limit ${ITEMS_A_PAGE}`,
          [day, id, at, last],
        ),
      { maxMs: 10_000 },
    );
    if (rows.length) yield rows.map(({ item }) => item);
    at = rows.at(-1)?.place ?? at;
    if (at === last) return;
    if (rows.length < ITEMS_A_PAGE)
      throw new Error(`items of dataset ${id} were removed while they were read`);
  }
}
