import type { ActorDefinition } from "../../shared/crawl/define-actor.ts";
import type { Input } from "./input.ts";
import { PAGE_SIZE } from "./paging.ts";
import { CHAIN_LENGTH } from "./requests-subreddits.ts";
import { chunk } from "./urls.ts";

type Read = Parameters<NonNullable<ActorDefinition["countBySubject"]>>[0];

/** `r/node` for a request about one subreddit, `u/spez` for one about one user. */
export function subjectOf({ userData }: { userData: Record<string, unknown> }): string | null {
  const { subreddit, name, username } = userData;
  if (typeof username === "string") return `u/${username.toLowerCase()}`;
  const community = subreddit ?? name;
  return typeof community === "string" ? `r/${community.toLowerCase()}` : null;
}

export function targets({ subreddits, users }: Input): Record<string, string[]> {
  return {
    subreddits: subreddits.map((name) => `r/${name.toLowerCase()}`),
    users: users.map((name) => `u/${name.toLowerCase()}`),
  };
}

/** Posts and distinct authors of each subreddit, as the run stored them. */
export async function countBySubject(read: Read): Promise<Record<string, Record<string, number>>> {
  const counts = new Map<string, { posts: number; authors: Set<string> }>();
  for await (const post of read("reddit_posts")) {
    const subject = subjectOf({ userData: { name: post["subreddit_name"] } });
    if (subject === null) continue;
    const count = counts.get(subject) ?? { posts: 0, authors: new Set() };
    count.posts++;
    const author = post["author_username"];
    if (typeof author === "string") count.authors.add(author);
    counts.set(subject, count);
  }
  return Object.fromEntries(
    [...counts].map(([subject, { posts, authors }]) => [subject, { posts, authors: authors.size }]),
  );
}

/**
 * Authors by post that a run does not know yet: the listings of a subreddit overlap, and subreddits share people.
 * Between the 0.06 of the stand-in world and the 0.6 of busy listings that hardly do.
 */
const AUTHORS_A_POST = 0.3;
/** Posts that Reddit's search finds at the most. */
const SEARCH_CAP = 250;

/** Requests that an input takes, as far as it tells: subreddits may have fewer posts than are asked for. */
export function estimateRequests(input: Input): number {
  const { subreddits, listings, rules, users, user_history, search, authors, comments } = input;
  const found = search.map(({ limit }) => Math.min(limit, SEARCH_CAP));
  const postsEach = sum(listings.map(({ limit }) => limit));
  const userEach = 1 + pages(user_history.limit);
  const chains = chunk(subreddits, CHAIN_LENGTH).map(({ length }) => length * postsEach);
  const unknown = [...chains, ...found].map((posts) => Math.ceil(posts * AUTHORS_A_POST));
  return (
    pages(subreddits.length) +
    subreddits.length * ((rules ? 1 : 0) + sum(listings.map(({ limit }) => pages(limit)))) +
    (authors === "none" ? 0 : sum(unknown.map(pages))) +
    (users.length + (authors === "full" ? sum(unknown) : 0)) * userEach +
    sum(found.map(pages)) +
    (comments ? subreddits.length * postsEach : 0)
  );
}

function pages(items: number): number {
  return Math.ceil(items / PAGE_SIZE);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
