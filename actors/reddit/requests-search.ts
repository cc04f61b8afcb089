import { z } from "zod";
import type { NewRequest } from "../../shared/crawl/run-storage.ts";
import { pathSegment } from "../../shared/parse/addresses.ts";
import { Author } from "./chain.ts";
import { SearchSpec } from "./input.ts";
import { Paging } from "./paging.ts";
import { Plan } from "./plan.ts";
import { CONTINUED, pageUrl } from "./urls.ts";

/** Where a search stands. */
export const SearchUserData = z.object({
  spec: SearchSpec,
  plan: Plan,
  paging: Paging,
  /** Those seen so far. */
  authors: z.array(Author),
});
export type SearchUserData = z.infer<typeof SearchUserData>;

/** `GET /search`, `/r/{subreddit}/search` or `/subreddits/search`: one page. */
export function searchRequest(userData: SearchUserData): NewRequest {
  const { spec, paging } = userData;
  return {
    url:
      spec.type === "posts"
        ? postsUrl(spec, paging)
        : pageUrl("/subreddits/search", paging, { q: spec.query }),
    uniqueKey: `${searchName(spec)}:${paging.afters.at(-1) ?? ""}`,
    label: spec.type === "posts" ? "SEARCH" : "SUBREDDIT_SEARCH",
    userData,
    priority: CONTINUED,
  };
}

/** A search's name in keys and in `seen_in`. */
export function searchName({ type, subreddit, query, sort, time }: SearchSpec): string {
  const scope = type === "subreddits" ? "subreddits" : subreddit ? `r/${subreddit}` : "all";
  return type === "posts" ? `search/${scope}/${sort}/${time}/${query}` : `search/${scope}/${query}`;
}

function postsUrl({ query, subreddit, sort, time }: SearchSpec, paging: Paging): string {
  const path = subreddit ? `/r/${pathSegment(subreddit)}/search` : "/search";
  return pageUrl(path, paging, { q: query, restrict_sr: subreddit && "1", sort, t: time, type: "link" });
}
