import { hash, unit } from "../random.ts";
import { ASPECT, type Place, type World } from "./world.ts";

// What listings need to know of thousands of posts at once; everything else of a post is in posts.ts.

const HOUR = 3600;
const DAY = 86_400;
/** Votes and comments come in with this time constant. */
const RIPENING_SECS = 6 * HOUR;
/** Comment ids leave room for 4096. */
const MAX_COMMENTS = 4000;

/** When the `ordinal`-th post of a place appears. Later ordinals are later; those below `postCount` before `startAt`. */
export function postCreatedUtc(world: World, place: Place, ordinal: number): number {
  const offset = ordinal - place.postCount;
  const interval = offset < 0 ? place.intervalSecs : place.intervalSecs / world.growth;
  const jitter = unit(world.seed, ASPECT.postTime, place.index, ordinal) * 0.9;
  return Math.floor(world.startAt + (offset + jitter) * interval);
}

/** How many posts of a place exist at `at`: the ordinals below that. */
export function postCountAt(world: World, place: Place, at: number): number {
  const grown =
    world.growth === 0 ? 0 : Math.floor(((at - world.startAt) * world.growth) / place.intervalSecs);
  const count = place.postCount + Math.max(0, grown);
  return world.growth > 0 && postCreatedUtc(world, place, count) <= at ? count + 1 : count;
}

/** Whether a post exists by now and its address shows something, be it that it was deleted. */
export function isVisible(
  world: World,
  { place, ordinal }: { place: Place; ordinal: number },
  at: number,
): boolean {
  return (
    place.state === "ok" && ordinal < postCountAt(world, place, at) && !isExplicit(world, place, ordinal)
  );
}

/** False for what listings leave out: deleted posts, and explicit ones, which API clients do not get. */
export function isListed(world: World, place: Place, ordinal: number, at: number): boolean {
  return deletedAtUtc(world, place, ordinal) > at && !isExplicit(world, place, ordinal);
}

export function isExplicit(world: World, place: Place, ordinal: number): boolean {
  return place.over18 && hash(world.seed, ASPECT.explicit, place.index, ordinal) % 6 === 0;
}

/** When its author deletes the post; `Infinity` for nearly all. */
export function deletedAtUtc(world: World, place: Place, ordinal: number): number {
  const fate = unit(world.seed, ASPECT.fate, place.index, ordinal);
  if (fate >= 0.015) return Infinity;
  return postCreatedUtc(world, place, ordinal) + 2 * HOUR + Math.floor((fate / 0.015) * 5 * DAY);
}

/** Removed by a moderator or an account that is gone: fixed from the start. */
export function lot(world: World, place: Place, ordinal: number): "removed" | "orphaned" | "normal" {
  const fate = unit(world.seed, ASPECT.fate, place.index, ordinal);
  if (fate >= 0.015 && fate < 0.03) return "removed";
  return fate > 0.985 ? "orphaned" : "normal";
}

export function scoreAt(world: World, place: Place, ordinal: number, ageSecs: number): number {
  return Math.floor((finalScore(world, place, ordinal) + 0.5) * ripeness(ageSecs));
}

/** Share of upvotes, 0.54 to 1, two decimals. */
export function upvoteRatio(world: World, place: Place, ordinal: number): number {
  const u = unit(world.seed, ASPECT.ratio, place.index, ordinal);
  return Math.round((1 - 0.46 * u * u) * 100) / 100;
}

export function commentsAt(world: World, place: Place, ordinal: number, ageSecs: number): number {
  return Math.floor((finalComments(world, place, ordinal) + 0.5) * ripeness(ageSecs));
}

/** Age at which a post gets its `comment`-th comment, counted from 0: the inverse of `commentsAt`. */
export function commentAgeSecs(world: World, place: Place, ordinal: number, comment: number): number {
  const share = (comment + 1) / (finalComments(world, place, ordinal) + 0.5);
  return Math.ceil(-RIPENING_SECS * Math.log(1 - share));
}

/** Up to two of a community's older posts are pinned to its top. */
export function stickyOrdinals(world: World, place: Place): number[] {
  if (place.owner !== null || place.postCount < 12) return [];
  const h = hash(world.seed, ASPECT.place, place.index, 2);
  const first = Math.floor(place.postCount * 0.8) - (h % 5);
  return [first, first - 3].slice(0, h % 3);
}

/** Heavy-tailed: half of a community's posts get little, one in thousands gets all the votes. */
function finalScore(world: World, place: Place, ordinal: number): number {
  const u = unit(world.seed, ASPECT.score, place.index, ordinal) + 1e-7;
  return Math.min(150_000, Math.floor((Math.sqrt(place.subscribers) / 8) * (u ** -0.6 - 1)));
}

/** All comments that a post will ever get; nobody writes below the posts of a profile. */
function finalComments(world: World, place: Place, ordinal: number): number {
  if (place.owner !== null) return 0;
  const u = unit(world.seed, ASPECT.comments, place.index, ordinal);
  if (u < 0.12) return 0;
  return Math.min(
    MAX_COMMENTS,
    Math.floor((finalScore(world, place, ordinal) + 2) ** 0.7 * (0.2 + 2 * u * u)),
  );
}

/** Share of its final votes and comments that a thing of this age has. */
export function ripeness(ageSecs: number): number {
  return 1 - Math.exp(-Math.max(0, ageSecs) / RIPENING_SECS);
}
