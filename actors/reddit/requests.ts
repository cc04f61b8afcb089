import type { NewRequest } from "../../shared/crawl/run-storage.ts";
import { newChain } from "./chain.ts";
import type { Input } from "./input.ts";
import { isAggregate } from "./names.ts";
import { firstPage, PAGE_SIZE } from "./paging.ts";
import { toPlan, type Plan } from "./plan.ts";
import { searchRequest } from "./requests-search.ts";
import { infoRequest, listingRequest, startOfListings } from "./requests-subreddits.ts";
import { userRequest } from "./requests-users.ts";
import { chunk } from "./urls.ts";

/**
 * Subreddits that share a chain. They are read one after the other, so more would slow a small run down; and their
 * authors fill the calls for a hundred, so fewer would waste some.
 */
const CHAIN_LENGTH = 5;

/** The first requests of a run. Subreddits come by the hundred: a call for their facts, then their listings. */
export function startRequests(input: Input): NewRequest[] {
  const plan = toPlan(input);
  return [
    ...chunk(input.subreddits, PAGE_SIZE).flatMap((names) => [
      ...aboutAll(names, plan),
      ...chainsOf(names, plan),
    ]),
    ...input.users.map((username) => userRequest({ username, plan, isPoster: false })),
    ...input.search.map((spec) => searchRequest({ spec, plan, paging: firstPage(spec.limit), authors: [] })),
  ].map((request) => ({ ...request, priority: 0 }));
}

function aboutAll(subreddits: readonly string[], plan: Plan): NewRequest[] {
  const names = subreddits.filter((name) => !isAggregate(name));
  return names.length > 0 ? [infoRequest({ names, plan })] : [];
}

function chainsOf(subreddits: readonly string[], plan: Plan): NewRequest[] {
  if (plan.listings.length === 0) return [];
  return chunk(subreddits, CHAIN_LENGTH).map(([first, ...rest]) =>
    listingRequest(startOfListings(first!, newChain(first!, plan, rest))),
  );
}
