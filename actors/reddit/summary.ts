import type { ActorDefinition } from "../../shared/crawl/define-actor.ts";
import type { Item } from "../../shared/crawl/run-storage.ts";
import type { Input } from "./input.ts";

type Read = Parameters<NonNullable<ActorDefinition["countBySubject"]>>[0];

/** `r/node` for a request about one subreddit, `u/spez` for one about one user. */
export function subjectOf({ userData }: { userData: Record<string, unknown> }): string | null {
  const { subreddit, name, username } = userData;
  if (typeof username === "string") return `u/${username.toLowerCase()}`;
  const community = subreddit ?? name;
  return typeof community === "string" ? `r/${community.toLowerCase()}` : null;
}

/** Posts and distinct authors of each subreddit, as the run stored them. */
export async function countBySubject(read: Read): Promise<Record<string, Record<string, number>>> {
  const counts = new Map<string, { posts: number; authors: Set<string> }>();
  for await (const post of read("reddit_posts")) {
    const subject = subjectOf({ userData: { name: post["subreddit_name"] } });
    if (subject === null) continue;
    const count = counts.get(subject) ?? { posts: 0, authors: new Set() };
    count.posts++;
    addAuthor(count.authors, post);
    counts.set(subject, count);
  }
  return Object.fromEntries(
    [...counts].map(([subject, { posts, authors }]) => [subject, { posts, authors: authors.size }]),
  );
}

const PAGE = 100;
/** Distinct authors by post, as listings of busy subreddits have them. */
const AUTHORS_A_POST = 0.6;
/** Posts that Reddit's search finds at the most. */
const SEARCH_CAP = 250;

/** Requests that an input takes, as far as it tells: subreddits may have fewer posts than are asked for. */
export function estimateRequests(input: Input): number {
  const { subreddits, listings, rules, users, user_history, search, authors, comments } = input;
  const pages = (limit: number) => Math.ceil(limit / PAGE);
  const postsEach = listings.reduce((sum, { limit }) => sum + limit, 0);
  const authorsEach = Math.ceil(postsEach * AUTHORS_A_POST);
  const userEach = 1 + pages(user_history.limit);
  const listingPages = listings.reduce((sum, { limit }) => sum + pages(limit), 0);
  const authorsCost = {
    none: 0,
    batch: pages(authorsEach),
    full: pages(authorsEach) + authorsEach * userEach,
  }[authors];
  const each = (rules ? 1 : 0) + listingPages + authorsCost + (comments ? postsEach : 0);
  const searches = search.map(({ limit }) => pages(Math.min(limit, SEARCH_CAP)));
  return (
    pages(subreddits.length) +
    subreddits.length * each +
    users.length * userEach +
    searches.reduce((a, b) => a + b, 0)
  );
}

function addAuthor(authors: Set<string>, post: Item): void {
  if (typeof post["author_username"] === "string") authors.add(post["author_username"]);
}
