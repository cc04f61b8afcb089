import { z } from "zod";
import type { NewRequest } from "../../shared/crawl/run-storage.ts";
import { LISTING_CAP, SORTS, TIMES, type Input } from "./input.ts";
import { isAggregate } from "./names.ts";

/** Canonical host of every request; the site's transport maps it to the source in use. */
const ORIGIN = "https://www.reddit.com";

/** Most items that Reddit puts on a page, and names or ids that it takes in one call. */
const PAGE_SIZE = 100;

/** What has begun goes before what has not, so that subreddits are completed one after the other. */
const CONTINUED = 1;

/** Names asked about in one `/api/info` call. */
export const InfoUserData = z.object({ names: z.array(z.string()) });
export type InfoUserData = z.infer<typeof InfoUserData>;

export const AboutUserData = z.object({ name: z.string() });
export type AboutUserData = z.infer<typeof AboutUserData>;

/** Where a subreddit's chain of listings stands. */
export const ListingUserData = z.object({
  subreddit: z.string(),
  /** What is left to read, the present listing first. */
  listings: z
    .array(
      z.object({
        sort: z.enum(SORTS),
        time: z.enum(TIMES).optional(),
        limit: z.int().min(1).max(LISTING_CAP),
      }),
    )
    .min(1),
  /** Cursors of the present listing that were followed, the present page's last. */
  afters: z.array(z.string()),
  /** Ids of the present listing's posts on earlier pages. */
  seenIds: z.array(z.string()),
});
export type ListingUserData = z.infer<typeof ListingUserData>;

/** The first requests of a run: facts about all subreddits by the hundred, and each one's chain of listings. */
export function startRequests({ subreddits, listings }: Input): NewRequest[] {
  const named = subreddits.filter((name) => !isAggregate(name));
  const infos = chunk(named, PAGE_SIZE).map((names) => infoRequest({ names }));
  if (listings.length === 0) return infos;
  const chains = subreddits.map((subreddit) => ({
    ...listingRequest({ subreddit, listings, afters: [], seenIds: [] }),
    priority: 0,
  }));
  return [...infos, ...chains];
}

/** `GET /api/info?sr_name=a,b`: facts about up to 100 subreddits; what is not public is missing from the answer. */
export function infoRequest(userData: InfoUserData): NewRequest {
  const names = userData.names.join(",");
  return {
    url: `${ORIGIN}/api/info?sr_name=${names}`,
    uniqueKey: `info:${names.toLowerCase()}`,
    label: "INFO",
    userData,
    priority: CONTINUED,
  };
}

/** `GET /r/{subreddit}/about`: facts about one subreddit, or why there are none. */
export function aboutRequest(userData: AboutUserData): NewRequest {
  return {
    url: `${ORIGIN}/r/${userData.name}/about`,
    uniqueKey: `about:${userData.name.toLowerCase()}`,
    label: "ABOUT",
    userData,
    priority: CONTINUED,
  };
}

/** `GET /r/{subreddit}/{sort}`: one page of the chain's present listing. */
export function listingRequest(userData: ListingUserData): NewRequest {
  const { subreddit, listings, afters, seenIds } = userData;
  const { sort, time, limit } = listings[0]!;
  const after = afters.at(-1);
  const url = new URL(`/r/${subreddit}/${sort}`, ORIGIN);
  const pageLimit = limit < LISTING_CAP ? Math.min(PAGE_SIZE, limit - seenIds.length) : PAGE_SIZE;
  url.searchParams.set("limit", String(pageLimit));
  if (time) url.searchParams.set("t", time);
  if (after) url.searchParams.set("after", after);
  return {
    url: url.href,
    uniqueKey: ["listing", subreddit.toLowerCase(), sort, time ?? "", after ?? ""].join(":"),
    label: "LISTING",
    userData,
    priority: CONTINUED,
  };
}

function chunk<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}
