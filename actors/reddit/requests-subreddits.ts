import { z } from "zod";
import type { NewRequest } from "../../shared/crawl/run-storage.ts";
import { Author, Chain, newChain } from "./chain.ts";
import { pathSegment } from "../../shared/parse/addresses.ts";
import { ListingSpec } from "./input.ts";
import { EMPTY_SAMPLE, WeekSample } from "./metrics.ts";
import { firstPage, PAGE_SIZE, Paging } from "./paging.ts";
import { Plan } from "./plan.ts";
import { chunk, CONTINUED, pageUrl, redditUrl } from "./urls.ts";

/**
 * Subreddits that share a chain. They are read one after the other, so more would slow a small run down; and their
 * authors fill the calls for a hundred, so fewer would waste some.
 */
export const CHAIN_LENGTH = 5;

/** Names asked about in one `/api/info` call. */
export const InfoUserData = z.object({ names: z.array(z.string()), plan: Plan });
export type InfoUserData = z.infer<typeof InfoUserData>;

export const AboutUserData = z.object({ name: z.string(), plan: Plan });
export type AboutUserData = z.infer<typeof AboutUserData>;

export const RulesUserData = z.object({
  subreddit: z.string(),
  /** The sentence of its description that asks for verification; `null` when none does. */
  evidence: z.string().nullable(),
});
export type RulesUserData = z.infer<typeof RulesUserData>;

/** Where the reading of a subreddit's listings stands. */
export const ListingUserData = z.object({
  subreddit: z.string(),
  /** What is left to read, the present listing first. */
  listings: z.array(ListingSpec).min(1),
  paging: Paging,
  /** Those seen so far. */
  authors: z.array(Author),
  week: WeekSample,
  chain: Chain,
});
export type ListingUserData = z.infer<typeof ListingUserData>;

/** `GET /api/info?sr_name=a,b`: facts about up to 100 subreddits; what is not public is missing from the answer. */
export function infoRequest(userData: InfoUserData): NewRequest {
  const names = userData.names.join(",");
  return {
    url: redditUrl("/api/info", { sr_name: names }),
    uniqueKey: `info:${names.toLowerCase()}`,
    label: "INFO",
    userData,
  };
}

/** `GET /r/{subreddit}/about`: facts about one subreddit, or why there are none. */
export function aboutRequest(userData: AboutUserData): NewRequest {
  return {
    url: redditUrl(`/r/${pathSegment(userData.name)}/about`),
    uniqueKey: `about:${userData.name.toLowerCase()}`,
    label: "ABOUT",
    userData,
    priority: CONTINUED,
  };
}

/** `GET /r/{subreddit}/about/rules`. */
export function rulesRequest(userData: RulesUserData): NewRequest {
  return {
    url: redditUrl(`/r/${pathSegment(userData.subreddit)}/about/rules`),
    uniqueKey: `rules:${userData.subreddit.toLowerCase()}`,
    label: "RULES",
    userData,
    priority: CONTINUED,
  };
}

/** The first listing of each chain; none where the plan has no listings. */
export function chainRequests(subreddits: readonly string[], plan: Plan): NewRequest[] {
  if (plan.listings.length === 0) return [];
  return chunk(subreddits, CHAIN_LENGTH).map(([first, ...rest]) =>
    listingRequest(startOfListings(first!, newChain(first!, plan, rest))),
  );
}

/** The first page of a subreddit's first listing. */
export function startOfListings(subreddit: string, chain: Chain): ListingUserData {
  const { listings } = chain.plan;
  return {
    subreddit,
    listings,
    paging: startOf(listings[0]!, chain),
    authors: [],
    week: EMPTY_SAMPLE,
    chain,
  };
}

/** The first page of the listing after the present one; `null` after the last. */
export function nextListing(state: ListingUserData): ListingUserData | null {
  const [, next, ...rest] = state.listings;
  return next ? { ...state, listings: [next, ...rest], paging: startOf(next, state.chain) } : null;
}

/** `GET /r/{subreddit}/{sort}`: one page of the chain's present listing. */
export function listingRequest(userData: ListingUserData): NewRequest {
  const { subreddit, listings, paging } = userData;
  const { sort, time } = listings[0]!;
  return {
    url: pageUrl(`/r/${pathSegment(subreddit)}/${sort}`, paging, { t: time }),
    uniqueKey: `listing:${subreddit.toLowerCase()}:${sort}:${time ?? ""}:${paging.afters.at(-1) ?? ""}`,
    label: "LISTING",
    userData,
    priority: CONTINUED,
  };
}

/** What is read up to known posts comes by whole pages: how many there are new, the limit cannot know. */
function startOf({ sort, limit }: ListingSpec, { plan }: Chain): Paging {
  return firstPage(plan.until_known && sort === "new" ? Math.max(limit, PAGE_SIZE) : limit);
}
