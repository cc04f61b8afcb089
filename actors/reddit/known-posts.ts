import { z } from "zod";

/** Posts remembered of a subreddit: more than it would take to delete for an incremental run to pass them by. */
const MAX_KNOWN = 1000;

/** What an incremental run keeps of a subreddit for the next one. */
export const KnownPosts = z.object({
  /** Fullnames, newest first. */
  ids: z.array(z.string()),
});
export type KnownPosts = z.infer<typeof KnownPosts>;

/** Signs that no record's key may have are in it by their code: `known-posts-t(3a)1337`. */
export function knownKey(subreddit: string): string {
  const name = subreddit
    .toLowerCase()
    .replaceAll(/[^\w.-]/gu, (sign) => `(${sign.codePointAt(0)!.toString(16)})`);
  return `known-posts-${name}`;
}

/** @param ids fullnames of a `new` listing, newest first */
export function rememberPosts(known: KnownPosts, ids: readonly string[]): KnownPosts {
  return { ids: [...new Set([...ids, ...known.ids])].slice(0, MAX_KNOWN) };
}
