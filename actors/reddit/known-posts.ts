import { z } from "zod";

/** Posts remembered of a subreddit: more than it would take to delete for an incremental run to pass them by. */
const MAX_KNOWN = 1000;

/** What an incremental run keeps of a subreddit for the next one. */
export const KnownPosts = z.object({
  /** Fullnames, newest first. */
  ids: z.array(z.string()),
});
export type KnownPosts = z.infer<typeof KnownPosts>;

export function knownKey(subreddit: string): string {
  return `known-posts-${subreddit.toLowerCase()}`;
}

/** @param ids fullnames of a `new` listing, newest first */
export function rememberPosts(known: KnownPosts, ids: readonly string[]): KnownPosts {
  return { ids: [...new Set([...ids, ...known.ids])].slice(0, MAX_KNOWN) };
}
