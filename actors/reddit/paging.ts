import { z } from "zod";

/** Reddit hands out about this many items of a listing and ends it. */
export const LISTING_CAP = 1000;

/** Most items that Reddit puts on a page, and names or ids that it takes in one call. */
export const PAGE_SIZE = 100;

/** Pages followed of one listing at most: twice what Reddit hands out, for a site that sends empty ones for ever. */
const MAX_PAGES = 20;

/** Where the reading of a listing stands before a page is asked for. */
export const Paging = z.object({
  /** Items wanted; the cap means all that there are. */
  limit: z.int().min(1).max(LISTING_CAP),
  /** Cursors that were followed, the present page's last. */
  afters: z.array(z.string()),
  /** Fullnames of the items on earlier pages. */
  seenIds: z.array(z.string()),
});
export type Paging = z.infer<typeof Paging>;

export function firstPage(limit: number): Paging {
  return { limit, afters: [], seenIds: [] };
}

/** Items to ask for on the present page. */
export function pageLimit({ limit, seenIds }: Paging): number {
  return limit < LISTING_CAP ? Math.min(PAGE_SIZE, limit - seenIds.length) : PAGE_SIZE;
}

/** Those of `ids` that earlier pages did not have, each once. */
export function freshIds({ seenIds }: Paging, ids: readonly string[]): string[] {
  return [...new Set(ids).difference(new Set(seenIds))];
}

/**
 * Where a listing goes on after a page; `null` when it is over: its `limit` is reached, `after` is missing or was
 * followed before, or a page with items has none that earlier pages lack (`hot` and `rising` are re-ranked while
 * they are read). An empty page with a new `after` goes on: what it held was filtered. One without goes on from the
 * item before its anchor: when the anchor was deleted meanwhile, a listing only seems to end.
 *
 * @param page fullnames of the page's items and the cursor that came with them
 */
export function nextPage(
  paging: Paging,
  { ids, after }: { ids: readonly string[]; after: string | null },
): Paging | null {
  const { limit, afters } = paging;
  const fresh = freshIds(paging, ids);
  const seenIds = [...paging.seenIds, ...fresh];
  const cursor = after ?? (ids.length === 0 ? beforeAnchor(paging) : null);
  if (cursor === null || afters.includes(cursor)) return null;
  if (ids.length > 0 && fresh.length === 0) return null;
  if (limit < LISTING_CAP && seenIds.length >= limit) return null;
  if (afters.length >= MAX_PAGES - 1) return null;
  return { limit, afters: [...afters, cursor], seenIds };
}

/** The last item but one; `null` where the present page was not asked for after the last. */
function beforeAnchor({ afters, seenIds }: Paging): string | null {
  return afters.length > 0 && afters.at(-1) === seenIds.at(-1) ? (seenIds.at(-2) ?? null) : null;
}
