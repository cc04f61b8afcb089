import { unit } from "../random.ts";
import { mediaPlace } from "./media-ids.ts";
import { type Medium, formOf, mediaCount, mediumAt } from "./media.ts";
import { ASPECT, type Creator, type InstagramWorld, creatorAt, showsMedia } from "./world.ts";

/** The two lists of a creator's media, each with pins of its own. */
export type Tab = "feed" | "reels";

export interface Page {
  media: Medium[];
  /** The next page has ordinals below this one; `null` when this is the last. */
  below: number | null;
}

/** The feed's page, whatever is asked for. */
export const FEED_PAGE = 12;

/** The provider's page of reels: by creator, 6, 9 or 12. */
export function reelsPage(index: number): number {
  return [12, 6, 9][index % 3]!;
}

/**
 * Media of one tab, up to `limit`: the pinned ones first, then from the newest down. Pinned media come again in
 * their place for every fourth creator.
 * @param from the `below` of the page before; `null` for the first
 */
export function pageOf(
  world: InstagramWorld,
  creator: Creator,
  tab: Tab,
  { from, limit, at, overlap = 0 }: { from: number | null; limit: number; at: number; overlap?: number },
): Page {
  if (!showsMedia(creator)) return { media: [], below: null };
  const pinned = pinnedOrdinals(world, creator.index, tab, at);
  const ordinals = from === null ? pinned : repeated(world, creator.index, tab, { from, overlap, at });
  let ordinal = (from ?? mediaCount(world, creator.index, at)) - 1;
  for (; ordinal >= 0 && ordinals.length < limit; ordinal--) {
    if (!isInTab(world, creator.index, tab, ordinal)) continue;
    if (creator.index % 4 !== 0 && pinned.includes(ordinal)) continue;
    ordinals.push(ordinal);
  }
  const isLast = !hasBelow(world, creator.index, tab, ordinal);
  const media = ordinals.map((number) => mediumAt(world, creator, number, at));
  return { media, below: isLast ? null : ordinal + 1 };
}

/** One that everybody may see; `null` for all others. */
export function mediumById(world: InstagramWorld, id: string, at: number): Medium | null {
  const place = mediaPlace(id);
  if (!place || place.ordinal >= mediaCount(world, place.creator, at)) return null;
  const creator = creatorAt(world, place.creator, at);
  const medium = mediumAt(world, creator, place.ordinal, at);
  return medium.id === id && showsMedia(creator) ? medium : null;
}

/** All of a tab, as whoever pages to its end sees it, each once. */
export function wholeTab(world: InstagramWorld, creator: Creator, tab: Tab, at: number): Medium[] {
  const { media } = pageOf(world, creator, tab, { from: null, limit: Infinity, at });
  return [...new Map(media.map((medium) => [medium.id, medium])).values()];
}

/** Up to three old ones and sometimes a new one; chosen at the start and kept. */
export function pinnedOrdinals(world: InstagramWorld, index: number, tab: Tab, at: number): number[] {
  const count = mediaCount(world, index, world.startAt);
  if (count < 10 || index % 3 === 1 || at < world.startAt) return [];
  const shares = [0.1, 0.3, unit(world.seed, ASPECT.media, index)].slice(0, 1 + (index % 3));
  const ordinals = shares.map((share) => {
    let ordinal = Math.floor(share * count);
    while (ordinal < count && !isInTab(world, index, tab, ordinal)) ordinal++;
    return ordinal;
  });
  return [...new Set(ordinals.filter((ordinal) => ordinal < count))];
}

/** Whether the site says of a pinned medium that it is one; for every tenth creator it does not. */
export function tellsPins(index: number): boolean {
  return index % 10 !== 6;
}

function isInTab(world: InstagramWorld, index: number, tab: Tab, ordinal: number): boolean {
  const isReel = formOf(world, index, ordinal) === "reel";
  if (tab === "reels") return isReel;
  return !isReel || unit(world.seed, ASPECT.limits, index, ordinal) < 0.7;
}

function hasBelow(world: InstagramWorld, index: number, tab: Tab, from: number): boolean {
  for (let ordinal = from; ordinal >= 0; ordinal--) if (isInTab(world, index, tab, ordinal)) return true;
  return false;
}

/** The last `overlap` of the page before, which come once more. */
function repeated(
  world: InstagramWorld,
  index: number,
  tab: Tab,
  { from, overlap, at }: { from: number; overlap: number; at: number },
): number[] {
  const again: number[] = [];
  const end = mediaCount(world, index, at);
  for (let ordinal = from; ordinal < end && again.length < overlap; ordinal++) {
    if (isInTab(world, index, tab, ordinal)) again.unshift(ordinal);
  }
  return again;
}
