import {
  commentsAt,
  isListed,
  postCountAt,
  postCreatedUtc,
  scoreAt,
  stickyOrdinals,
  upvoteRatio,
} from "./post-numbers.ts";
import { type Place, type World, postId } from "./world.ts";

export const SORTS = ["hot", "new", "top", "rising", "controversial"] as const;
export type Sort = (typeof SORTS)[number];

/** A listing shows no more than this, however many there are. */
export const LISTING_CAP = 1000;
const PAGE_SIZE = 25;
const MAX_PAGE_SIZE = 100;

/** Seconds that `t` looks back; `all`, and anything unknown is `day`, as Reddit takes it. */
export function windowSecs(t: string | null): number {
  return WINDOWS[t ?? "day"] ?? WINDOWS["day"]!;
}

const WINDOWS: Record<string, number> = {
  hour: 3600,
  day: 86_400,
  week: 7 * 86_400,
  month: 30 * 86_400,
  year: 365 * 86_400,
  all: Infinity,
};

/** Ordinals of a place's posts in the order of `sort`, all of them up to the cap. */
export function rankedOrdinals(
  world: World,
  place: Place,
  sort: Sort,
  t: string | null,
  at: number,
): number[] {
  const since =
    sort === "top" || sort === "controversial"
      ? at - windowSecs(t)
      : sort === "rising"
        ? at - 2 * 86_400
        : -Infinity;
  const listed: number[] = [];
  for (let ordinal = postCountAt(world, place, at) - 1; ordinal >= 0; ordinal--) {
    if (postCreatedUtc(world, place, ordinal) < since) break;
    if (isListed(world, place, ordinal, at)) listed.push(ordinal);
    if (sort === "new" && listed.length === LISTING_CAP) break;
  }
  if (sort === "new") return listed;
  const ranked = sortByRank(listed, (ordinal) => rank(world, place, ordinal, sort, at));
  if (sort !== "hot") return ranked.slice(0, LISTING_CAP);
  const sticky = stickyOrdinals(world, place).filter((ordinal) => isListed(world, place, ordinal, at));
  return [...sticky, ...ranked.filter((ordinal) => !sticky.includes(ordinal))].slice(0, LISTING_CAP);
}

/** Greatest rank first; equals keep their order. */
export function sortByRank(ordinals: readonly number[], rankOf: (ordinal: number) => number): number[] {
  const ranks = Float64Array.from(ordinals, rankOf);
  const order = Array.from(ordinals.keys()).sort((a, b) => ranks[b]! - ranks[a]! || a - b);
  return order.map((i) => ordinals[i]!);
}

function rank(world: World, place: Place, ordinal: number, sort: Sort, at: number): number {
  const createdUtc = postCreatedUtc(world, place, ordinal);
  const ageSecs = at - createdUtc;
  const score = scoreAt(world, place, ordinal, ageSecs);
  switch (sort) {
    case "hot":
      return Math.log10(Math.max(score, 1)) + createdUtc / 45_000;
    case "rising":
      return score / (ageSecs + 3600);
    case "controversial": {
      const ratio = upvoteRatio(world, place, ordinal);
      return (score + commentsAt(world, place, ordinal, ageSecs)) ** ((1 - ratio) / ratio);
    }
    default:
      return score;
  }
}

export interface Page<T> {
  items: T[];
  /** Where the next page starts after; `null` at the end. */
  after: T | null;
}

/** What `limit` comes to: 25 by default, never more than 100. */
export function pageSize(limit: string | null): number {
  const asked = Number(limit ?? PAGE_SIZE);
  return Number.isInteger(asked) && asked >= 1 ? Math.min(asked, MAX_PAGE_SIZE) : PAGE_SIZE;
}

/**
 * A page of `all`. An anchor that is not in the listing (deleted since, or fallen out of it) leaves nothing to
 * show: the page is empty and the listing seems to end.
 * @param overlap how many items before the anchor's successor come again, as when the listing was ranked anew
 */
export function pageOf<T>(
  all: readonly T[],
  {
    after,
    before,
    limit,
    overlap = 0,
  }: { after: T | null; before: T | null; limit: number; overlap?: number },
): Page<T> {
  if (before !== null) {
    const end = Math.max(0, all.indexOf(before));
    return { items: all.slice(Math.max(0, end - limit), end), after: null };
  }
  const anchor = after === null ? -1 : all.indexOf(after);
  if (after !== null && anchor < 0) return { items: [], after: null };
  const start = after === null ? 0 : Math.max(0, anchor + 1 - overlap);
  const items = all.slice(start, start + limit);
  return { items, after: start + limit < all.length ? (items.at(-1) ?? null) : null };
}

/** Fullnames of a place's listing, in order. */
export function listedFullnames(
  world: World,
  place: Place,
  sort: Sort,
  t: string | null,
  at: number,
): string[] {
  return rankedOrdinals(world, place, sort, t, at).map((ordinal) => `t3_${postId(place.index, ordinal)}`);
}
