import type { NewRequest } from "../../shared/crawl/run-storage.ts";
import type { Input } from "./input.ts";
import { isAggregate } from "./names.ts";
import { firstPage, PAGE_SIZE } from "./paging.ts";
import { toPlan } from "./plan.ts";
import { searchRequest } from "./requests-search.ts";
import { infoRequest, listingRequest, startOfChain } from "./requests-subreddits.ts";
import { userRequest } from "./requests-users.ts";
import { chunk } from "./urls.ts";

/** The first requests of a run. Subreddits come by the hundred: a call for their facts, then each one's listings. */
export function startRequests(input: Input): NewRequest[] {
  const plan = toPlan(input);
  const { listings, users, search } = input;
  const bySubreddit = chunk(input.subreddits, PAGE_SIZE).flatMap((subreddits) => {
    const names = subreddits.filter((name) => !isAggregate(name));
    const chains = listings.length === 0 ? [] : subreddits;
    return [
      ...(names.length > 0 ? [infoRequest({ names, plan })] : []),
      ...chains.map((subreddit) => listingRequest(startOfChain(subreddit, { plan, listings }))),
    ];
  });
  return [
    ...bySubreddit,
    ...users.map((username) => userRequest({ username, plan, isPoster: false })),
    ...search.map((spec) => searchRequest({ spec, plan, paging: firstPage(spec.limit), authorIds: [] })),
  ].map((request) => ({ ...request, priority: 0 }));
}
