import { LISTING_CAP, sortByRank, windowSecs } from "./listings.ts";
import { commentCount, commentCreatedUtc, commentFate, commentScore } from "./comments.ts";
import { isExplicit, isListed, lot, postCountAt, postCreatedUtc, scoreAt } from "./post-numbers.ts";
import { accountState } from "./users.ts";
import {
  type World,
  authorIndex,
  commentAuthorIndex,
  commentId,
  place as placeAt,
  placesOf,
  postId,
} from "./world.ts";

export const USER_SORTS = ["new", "hot", "top", "controversial"] as const;
export type UserSort = (typeof USER_SORTS)[number];

interface Entry {
  fullname: string;
  createdUtc: number;
  score: number;
}

export type UserListing = "submitted" | "comments" | "overview";

/** Fullnames of what an account wrote and everybody may see, in order, up to the cap. Knows nothing of hidden histories. */
export function writtenFullnames(
  world: World,
  user: number,
  listing: UserListing,
  { sort, t, at }: { sort: UserSort; t: string | null; at: number },
): string[] {
  if (accountState(world, user) === "deleted") return [];
  const entries = [
    ...(listing === "comments" ? [] : submittedBy(world, user, at)),
    ...(listing === "submitted" ? [] : commentedBy(world, user, at)),
  ];
  const since = sort === "top" || sort === "controversial" ? at - windowSecs(t ?? "all") : -Infinity;
  const recent = entries.filter((entry) => entry.createdUtc >= since);
  const newest = sortByRank(recent.keys().toArray(), (i) => recent[i]!.createdUtc);
  const ranked = sort === "new" ? newest : sortByRank(newest, (i) => userRank(recent[i]!, sort));
  return ranked.slice(0, LISTING_CAP).map((i) => recent[i]!.fullname);
}

function userRank({ score, createdUtc }: Entry, sort: UserSort): number {
  if (sort === "hot") return Math.log10(Math.max(score, 1)) + createdUtc / 45_000;
  return sort === "controversial" ? -Math.abs(score) : score;
}

function submittedBy(world: World, user: number, at: number): Entry[] {
  const entries: Entry[] = [];
  for (const index of placesOf(world, user)) {
    const place = placeAt(world, index);
    if (place.state !== "ok") continue;
    const count = postCountAt(world, place, at);
    for (let ordinal = 0; ordinal < count; ordinal++) {
      if (authorIndex(world, index, ordinal) !== user || lot(world, place, ordinal) === "orphaned") continue;
      if (!isListed(world, place, ordinal, at)) continue;
      const createdUtc = postCreatedUtc(world, place, ordinal);
      const score = scoreAt(world, place, ordinal, at - createdUtc);
      entries.push({ fullname: `t3_${postId(index, ordinal)}`, createdUtc, score });
    }
  }
  return entries;
}

function commentedBy(world: World, user: number, at: number): Entry[] {
  const entries: Entry[] = [];
  for (const index of placesOf(world, user)) {
    const place = placeAt(world, index);
    if (place.state !== "ok") continue;
    const posts = postCountAt(world, place, at);
    for (let ordinal = 0; ordinal < posts; ordinal++) {
      const count = isExplicit(world, place, ordinal) ? 0 : commentCount(world, place, ordinal, at);
      for (let number = 0; number < count; number++) {
        if (commentAuthorIndex(world, index, ordinal, number) !== user) continue;
        if (commentFate(world, place, ordinal, number)) continue;
        const createdUtc = commentCreatedUtc(world, place, ordinal, number);
        const score = commentScore(world, place, ordinal, number, at);
        entries.push({ fullname: `t1_${commentId(index, ordinal, number)}`, createdUtc, score });
      }
    }
  }
  return entries;
}
