import { LISTING_CAP } from "./input.ts";
import type { ListingUserData } from "./requests.ts";

/** Pages followed of one listing at most: twice what Reddit hands out, for a site that sends empty ones for ever. */
const MAX_PAGES = 20;

/**
 * What a subreddit's chain reads after a page: the next page of the listing, else the next listing, else `null`.
 * A listing is over when its `limit` is reached, when `after` is missing or was followed before, and when a page
 * with posts has none that earlier pages lack (`hot` and `rising` are re-ranked while they are read). An empty
 * page with a new `after` goes on: what it held was filtered.
 *
 * @param page ids of the page's posts and the cursor that came with them
 */
export function nextInChain(
  { subreddit, listings, afters, seenIds }: ListingUserData,
  page: { ids: readonly string[]; after: string | null },
): ListingUserData | null {
  const [{ limit }, ...rest] = listings as [ListingUserData["listings"][number]];
  const { ids, after } = page;
  const allIds = [...new Set([...seenIds, ...ids])];
  const isRepeat = ids.length > 0 && allIds.length === seenIds.length;
  const isLimitReached = limit < LISTING_CAP && allIds.length >= limit;
  const isOver = after === null || afters.includes(after) || isRepeat || isLimitReached;
  if (!isOver && afters.length < MAX_PAGES - 1)
    return { subreddit, listings, afters: [...afters, after], seenIds: allIds };
  return rest.length > 0 ? { subreddit, listings: rest, afters: [], seenIds: [] } : null;
}
