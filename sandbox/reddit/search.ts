import { draws } from "../random.ts";
import { windowSecs } from "./listings.ts";
import { CLUSTER_SIZE, communityName, topicOf } from "./names.ts";
import { commentsAt, isListed, postCountAt, postCreatedUtc, scoreAt } from "./post-numbers.ts";
import { postTitle } from "./texts.ts";
import { writtenFullnames } from "./user-listings.ts";
import {
  ASPECT,
  type Place,
  type World,
  place as placeAt,
  placeByName,
  postById,
  postId,
  userByName,
} from "./world.ts";
import { PEOPLE, THINGS, TOPICS, VERBS } from "./words.ts";

/** Search shows no more than this of anything. */
export const SEARCH_CAP = 250;
/** Words that no topic narrows down are looked for in this many communities, from the first. */
const INDEXED_PLACES = 500;

const TOPIC_WORDS = new Map(TOPICS.map((topic, i) => [topic.toLowerCase(), i]));
const TITLE_WORDS = new Set([
  ...TOPIC_WORDS.keys(),
  ...wordsOf([...VERBS, ...THINGS, ...PEOPLE].join(" ")),
  ...wordsOf(
    "my this what is the best under other things I week first day a years old still fine for question just people do you think",
  ),
]);

export interface SearchQuery {
  /** Words that all have to be in the title, and `author:` and `subreddit:` with a name. */
  q: string;
  /** Only here; `null` for everywhere. */
  within: Place | null;
  sort: string;
  t: string | null;
}

interface Hit {
  place: Place;
  ordinal: number;
}

/** Fullnames of the posts found, in order, up to the cap. */
export function searchPosts(world: World, { q, within, sort, t }: SearchQuery, at: number): string[] {
  const terms = q.toLowerCase().split(/\s+/).filter(Boolean);
  const named = (field: string): string | undefined =>
    terms.find((term) => term.startsWith(`${field}:`))?.slice(field.length + 1);
  const words = wordsOf(terms.filter((term) => !/^(author|subreddit):/.test(term)).join(" "));
  if (words.some((word) => !TITLE_WORDS.has(word) && !/^\d+$/.test(word))) return [];
  const subreddit = named("subreddit");
  const place = subreddit === undefined ? within : placeByName(world, subreddit);
  if (subreddit !== undefined && !place) return [];

  const since = at - windowSecs(t ?? "all");
  const isHit = (hit: Hit): boolean =>
    postCreatedUtc(world, hit.place, hit.ordinal) >= since && hasWords(world, hit, words);
  const author = named("author");
  const candidates =
    author === undefined
      ? postsIn(world, place ? [place] : placesFor(world, words), at)
      : postsBy(world, author, place, at);
  const hits: Hit[] = [];
  for (const hit of candidates) {
    if (isHit(hit)) hits.push(hit);
    if (sort === "relevance" && hits.length === SEARCH_CAP) break;
  }
  return ranked(world, hits, sort, at)
    .slice(0, SEARCH_CAP)
    .map((hit) => `t3_${postId(hit.place.index, hit.ordinal)}`);
}

/** Fullnames of the communities whose name or topic has the words, from the first, up to the cap. */
export function searchSubreddits(world: World, q: string): string[] {
  const wanted = q.toLowerCase().replace(/[^a-z0-9_]/g, "");
  const found: string[] = [];
  if (wanted === "") return found;
  for (let index = 0; index < world.subreddits && found.length < SEARCH_CAP; index++) {
    const isNamed =
      communityName(index).toLowerCase().includes(wanted) || topicOf(index).toLowerCase() === wanted;
    const place = isNamed ? placeAt(world, index) : null;
    if (place?.state === "ok") found.push(`t5_${place.id}`);
  }
  return found;
}

function ranked(world: World, hits: Hit[], sort: string, at: number): Hit[] {
  const createdUtc = (hit: Hit): number => postCreatedUtc(world, hit.place, hit.ordinal);
  const rankOf: Record<string, (hit: Hit) => number> = {
    new: createdUtc,
    top: (hit) => scoreAt(world, hit.place, hit.ordinal, at - createdUtc(hit)),
    comments: (hit) => commentsAt(world, hit.place, hit.ordinal, at - createdUtc(hit)),
  };
  const rank = rankOf[sort];
  if (!rank) return hits;
  const ranks = new Map(hits.map((hit) => [hit, rank(hit)]));
  return hits.toSorted((a, b) => ranks.get(b)! - ranks.get(a)!);
}

/** The communities whose titles can have these words. */
function* placesFor(world: World, words: readonly string[]): Generator<Place> {
  const topics = words.flatMap((word) => TOPIC_WORDS.get(word) ?? []);
  const [topic] = topics;
  const step = topic === undefined ? CLUSTER_SIZE : CLUSTER_SIZE * TOPICS.length;
  const end = topic === undefined ? Math.min(INDEXED_PLACES, world.subreddits) : world.subreddits;
  for (let first = (topic ?? 0) * CLUSTER_SIZE; first < end; first += step) {
    for (let index = first; index < Math.min(first + CLUSTER_SIZE, world.subreddits); index++)
      yield placeAt(world, index);
  }
}

/** Newest first in each place. */
function* postsIn(world: World, places: Iterable<Place>, at: number): Generator<Hit> {
  for (const place of places) {
    if (place.state !== "ok") continue;
    for (let ordinal = postCountAt(world, place, at) - 1; ordinal >= 0; ordinal--) {
      if (isListed(world, place, ordinal, at)) yield { place, ordinal };
    }
  }
}

/** A hidden history hides nothing from search. */
function postsBy(world: World, author: string, within: Place | null, at: number): Hit[] {
  const user = userByName(world, author);
  if (user === null) return [];
  const names = writtenFullnames(world, user, "submitted", { sort: "new", t: null, at });
  return names
    .map((name) => postById(world, name.slice(3))!)
    .filter(({ place }) => !within || place.index === within.index);
}

function hasWords(world: World, { place, ordinal }: Hit, words: readonly string[]): boolean {
  const title = new Set(
    wordsOf(postTitle(draws(world.seed, ASPECT.post, place.index, ordinal), place.topic)),
  );
  return words.every((word) => title.has(word));
}

function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
}
