import { z } from "zod";
import type { Post } from "./parse-post.ts";
import { Plan } from "./plan.ts";

/** Somebody who wrote a post. */
export const Author = z.object({
  /** Account id, `t2_…`. */
  id: z.string(),
  username: z.string(),
});
export type Author = z.infer<typeof Author>;

/**
 * What a chain of requests carries from one subreddit to the next. Several subreddits share one, so that their
 * authors fill the calls that ask for a hundred.
 */
export const Chain = z.object({
  /** Its first subreddit, or its search. */
  name: z.string(),
  plan: Plan,
  /** Subreddits to come. */
  subreddits: z.array(z.string()),
  /** Calls for authors so far. */
  calls: z.int(),
  /** Authors that this chain saw, and the run did not know yet when last looked. */
  unknown: z.array(Author),
  /** Subreddits that were read, and whose authors' names wait for what they show. */
  waiting: z.array(z.object({ subreddit: z.string(), usernames: z.array(z.string()) })),
});
export type Chain = z.infer<typeof Chain>;

export function newChain(name: string, plan: Plan, subreddits: string[] = []): Chain {
  return { name, plan, subreddits, calls: 0, unknown: [], waiting: [] };
}

/**
 * The posts' authors beside `authors`, each once; accounts that are gone have no id, and nobody can ask for them. Nor for
 * what is no id: it would spoil the call for the others.
 */
export function withAuthors(authors: readonly Author[], posts: readonly Post[]): Author[] {
  const seen = posts.flatMap(({ author_fullname: id, author_username: username }) =>
    id && username && /^t2_\w+$/.test(id) ? [{ id, username }] : [],
  );
  return distinctAuthors([...authors, ...seen]);
}

export function distinctAuthors(authors: readonly Author[]): Author[] {
  return [...new Map(authors.map((author) => [author.id, author])).values()];
}
