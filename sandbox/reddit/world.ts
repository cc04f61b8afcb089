import { hash, unit } from "../random.ts";
import { CLUSTER_SIZE, accountIndex, accountName, communityIndex, communityName, topicOf } from "./names.ts";

/**
 * The world is a function of its seed: every entity is computed from its index when somebody asks, and nothing is
 * kept. `at` in all its functions is the moment, in unix seconds, at which the world is looked at.
 */
export interface World {
  seed: number;
  /** Communities; profiles (`u_name`) come on top. At most 2^19 together with the users. */
  subreddits: number;
  users: number;
  /** Mean over all communities at `startAt`. */
  postsPerSubreddit: number;
  /** How much faster than at `startAt` new posts appear; 0 is a world that stands still. */
  growth: number;
  startAt: number;
}

/** What a community answers: its content, or why not. */
export type PlaceState = "ok" | "private" | "quarantined" | "gated" | "banned" | "gold_only";

/** A community or a profile: something that holds posts. */
export interface Place {
  /** Communities first, then one profile a user. */
  index: number;
  name: string;
  /** Without `t5_`. */
  id: string;
  /** The user whose profile it is, or `null`. */
  owner: number | null;
  topic: string;
  state: PlaceState;
  over18: boolean;
  createdUtc: number;
  /** At `startAt`, whatever happened to them later. */
  postCount: number;
  /** Mean time between posts before `startAt`. */
  intervalSecs: number;
  /** At `startAt`. */
  subscribers: number;
}

/** Coordinates of the seed's hash: one a kind of fact. */
export const ASPECT = {
  postCount: 1,
  span: 2,
  place: 3,
  author: 4,
  postTime: 5,
  score: 6,
  ratio: 7,
  fate: 8,
  post: 9,
  comments: 10,
  comment: 11,
  commentAuthor: 12,
  subreddit: 13,
  user: 14,
  rules: 15,
  flair: 16,
  explicit: 17,
  commentParent: 18,
} as const;

const DAY = 86_400;
/** Mean of `postCountQuantile`. */
const MEAN_POSTS = 51.6;
/** Room for places in ids. */
const MAX_PLACES = 2 ** 19;
/** Room for comments in ids and hashes. */
export const COMMENTS_PER_POST = 4096;
const ID_BASE = {
  t1: parseInt("m0000000", 36),
  t2: parseInt("1a00000", 36),
  t3: parseInt("1k00000", 36),
  t5: parseInt("2q000", 36),
};
/** Of every fifty communities these say why not; the first 25 have one of each. */
const CLOSED: Record<number, PlaceState> = {
  6: "private",
  11: "banned",
  16: "quarantined",
  21: "gated",
  24: "gold_only",
};

/** The moment up to which things have happened: in a still world the same for ever. */
export function contentTime(world: World, virtualNow: number): number {
  return world.growth > 0 ? Math.floor(virtualNow) : world.startAt;
}

export function place(world: World, index: number): Place {
  const owner = index < world.subreddits ? null : index - world.subreddits;
  const postCount = placePostCount(world, index);
  const spanDays = placeSpanDays(world, index, postCount);
  const u = unit(world.seed, ASPECT.place, index);
  const name = owner === null ? communityName(index) : `u_${accountName(world.seed, owner)}`;
  return {
    index,
    name,
    id: (ID_BASE.t5 + index).toString(36),
    owner,
    topic: owner === null ? topicOf(index) : "Life",
    state: owner === null ? (CLOSED[index % 50] ?? "ok") : "ok",
    over18: name.endsWith("NSFW") || hash(world.seed, ASPECT.place, index, 1) % 12 === 0,
    createdUtc: Math.floor(world.startAt - DAY * (spanDays * 1.05 + 1 + u * 4000)),
    postCount,
    intervalSecs: (spanDays * DAY) / Math.max(1, postCount),
    subscribers: owner === null ? Math.floor(30 * 10 ** (u * 5)) : Math.floor(u * 200),
  };
}

/** A community or `u_profile` by its name in any case; `null` when there is none. */
export function placeByName(world: World, name: string): Place | null {
  if (/^u_/i.test(name)) {
    const user = userByName(world, name.slice(2));
    return user === null ? null : place(world, world.subreddits + user);
  }
  const index = communityIndex(name);
  return index === null || index >= world.subreddits ? null : place(world, index);
}

export function userByName(world: World, name: string): number | null {
  const index = accountIndex(world.seed, name);
  return index === null || index >= world.users ? null : index;
}

/**
 * Who wrote it, account alive or not: mostly people of the community's cluster, some of the next one. Every tenth
 * community is one person's feed.
 */
export function authorIndex(world: World, placeIndex: number, ordinal: number): number {
  return memberIndex(world, placeIndex, unit(world.seed, ASPECT.author, placeIndex, ordinal));
}

/** The writer of a post's comment, from the same circle. */
export function commentAuthorIndex(
  world: World,
  placeIndex: number,
  ordinal: number,
  comment: number,
): number {
  const u = unit(world.seed, ASPECT.commentAuthor, placeIndex, ordinal * COMMENTS_PER_POST + comment);
  return memberIndex(world, placeIndex, u);
}

/** Every place in which a user may have written. */
export function placesOf(world: World, user: number): number[] {
  const { clusters, people } = clusterSizes(world);
  const own = Math.floor(user / people);
  const places = [world.subreddits + user];
  if (own >= clusters) return places;
  for (const cluster of new Set([own, (own + clusters - 1) % clusters])) {
    const end = Math.min(world.subreddits, (cluster + 1) * CLUSTER_SIZE);
    for (let index = cluster * CLUSTER_SIZE; index < end; index++) places.push(index);
  }
  return places;
}

export const placeIdOfProfile = (world: World, user: number): string =>
  (ID_BASE.t5 + world.subreddits + user).toString(36);

export const userId = (user: number): string => (ID_BASE.t2 + user).toString(36);

export function userById(world: World, id: string): number | null {
  const user = parseId(id) - ID_BASE.t2;
  return user >= 0 && user < world.users ? user : null;
}

export function placeById(world: World, id: string): Place | null {
  const index = parseId(id) - ID_BASE.t5;
  return index >= 0 && index < world.subreddits + world.users ? place(world, index) : null;
}

/** Without `t3_`. Within a place later posts have greater ids. */
export const postId = (placeIndex: number, ordinal: number): string =>
  (ID_BASE.t3 + ordinal * MAX_PLACES + placeIndex).toString(36);

export function postById(world: World, id: string): { place: Place; ordinal: number } | null {
  const number = parseId(id) - ID_BASE.t3;
  const index = number % MAX_PLACES;
  if (!(number >= 0) || index >= world.subreddits + world.users) return null;
  return { place: place(world, index), ordinal: Math.floor(number / MAX_PLACES) };
}

/** Without `t1_`. */
export const commentId = (placeIndex: number, ordinal: number, comment: number): string =>
  (ID_BASE.t1 + (ordinal * MAX_PLACES + placeIndex) * COMMENTS_PER_POST + comment).toString(36);

export function commentById(
  world: World,
  id: string,
): { place: Place; ordinal: number; comment: number } | null {
  const number = parseId(id) - ID_BASE.t1;
  if (!(number >= 0)) return null;
  const post = postById(world, (ID_BASE.t3 + Math.floor(number / COMMENTS_PER_POST)).toString(36));
  return post && { ...post, comment: number % COMMENTS_PER_POST };
}

export function totalPosts(world: World): number {
  let total = 0;
  for (let index = 0; index < world.subreddits; index++) total += placePostCount(world, index);
  return total;
}

function placePostCount(world: World, index: number): number {
  const scale = world.postsPerSubreddit / MEAN_POSTS;
  const u = unit(world.seed, ASPECT.postCount, index);
  if (index >= world.subreddits) return u < 0.8 ? 0 : Math.floor((u - 0.8) * 25);
  const fixed: Record<number, number> = { 0: 1300, 2: 1250, 5: 0, 8: 2 };
  return Math.floor((fixed[index] ?? postCountQuantile(u)) * scale);
}

/** Few large communities, many small ones: 0.8 % with more than a listing shows, half with fewer than 20 posts. */
function postCountQuantile(u: number): number {
  if (u < 0.008) return 1100 + (u / 0.008) * 500;
  if (u < 0.06) return 150 + ((u - 0.008) / 0.052) * 250;
  if (u < 0.5) return 20 + ((u - 0.06) / 0.44) * 60;
  return (u - 0.5) * 38;
}

/** Days over which a place's posts are spread: weeks where much happens, years where little does. */
function placeSpanDays(world: World, index: number, postCount: number): number {
  const u = unit(world.seed, ASPECT.span, index);
  if (postCount > 1000) return 14 + u * 16;
  return postCount > 20 ? 4 + u * 50 : 10 + u * 700;
}

function clusterSizes(world: World): { clusters: number; people: number } {
  const clusters = Math.ceil(world.subreddits / CLUSTER_SIZE);
  return { clusters, people: Math.max(1, Math.floor(world.users / clusters)) };
}

function memberIndex(world: World, placeIndex: number, u: number): number {
  if (placeIndex >= world.subreddits) return placeIndex - world.subreddits;
  const { clusters, people } = clusterSizes(world);
  const own = Math.floor(placeIndex / CLUSTER_SIZE);
  const isFeed = placeIndex % CLUSTER_SIZE === 2;
  if (isFeed && u < 0.85) return own * people;
  // Squared: the first people of a cluster write the most.
  const [cluster, share] = u < 0.8 ? [own, u / 0.8] : [(own + 1) % clusters, (u - 0.8) / 0.2];
  return cluster * people + Math.floor(share * share * people);
}

function parseId(id: string): number {
  return /^[0-9a-z]{1,10}$/.test(id) ? parseInt(id, 36) : Number.NaN;
}
