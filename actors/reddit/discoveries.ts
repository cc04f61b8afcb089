import { distinctNames, isProfile, sameName } from "./names.ts";

/** An item of `reddit_discoveries`: a subreddit and where it was seen. */
export interface Discovery {
  name: string;
  /** `r/node`, `u/spez`, or a search. */
  seen_in: string;
}

/** Subreddits as discoveries; profiles, and the place itself, are none. */
export function toDiscoveries(subreddits: readonly string[], seenIn: string): Discovery[] {
  return distinctNames(subreddits)
    .filter((name) => !isProfile(name) && !sameName(`r/${name}`, seenIn))
    .map((name) => ({ name, seen_in: seenIn }));
}
