import { z } from "zod";
import { choice, flag, isoDate, list, name, wholeNumber } from "../../shared/parse/input-fields.ts";
import { distinctNames, toSubredditName, toUsername } from "./names.ts";
import { LISTING_CAP } from "./paging.ts";

const SORTS = ["hot", "new", "rising", "top", "controversial"] as const;
const TIMES = ["hour", "day", "week", "month", "year", "all"] as const;
const HISTORY_SORTS = ["new", "hot", "top", "controversial"] as const;
const SEARCH_SORTS = ["relevance", "hot", "top", "new", "comments"] as const;

const SubredditName = name(
  toSubredditName,
  "expected a subreddit name, as node, r/node or its address, or a profile as u_name; multireddits, share and short links are none",
);
const Username = name(
  toUsername,
  "expected a user name, as spez, u/spez or the profile's address; multireddits, share and short links are none",
);

const TIME_OF_SORTS = "Window of top and controversial; week when left out. Other sorts have none.";

/** One listing of a subreddit and how many of its posts are wanted. */
export const ListingSpec = z
  .strictObject(
    {
      sort: choice(SORTS).describe("Which listing of the subreddit."),
      time: choice(TIMES).optional().describe(TIME_OF_SORTS),
      limit: limit("Posts to ask for"),
    },
    { error: "expected an object with sort, time, limit" },
  )
  .superRefine(refuseTime)
  .transform((listing) => withTime(listing));
export type ListingSpec = z.infer<typeof ListingSpec>;

/** What to read of a user's history. */
export const HistorySpec = z
  .strictObject(
    {
      listing: choice(["submitted", "comments", "overview"])
        .default("submitted")
        .describe("Posts, comments, or both."),
      sort: choice(HISTORY_SORTS).default("new").describe("Their order; a user's averages need new."),
      time: choice(TIMES).optional().describe(TIME_OF_SORTS),
      limit: limit("Items to ask for"),
    },
    { error: "expected an object with listing, sort, time, limit" },
  )
  .superRefine(refuseTime)
  .transform((history) => withTime(history));
export type HistorySpec = z.infer<typeof HistorySpec>;

/** One search. */
export const SearchSpec = z.preprocess(
  (search) => (typeof search === "string" ? { query: search } : search),
  z
    .strictObject(
      {
        query: z
          .string({ error: "expected a search text" })
          .trim()
          .min(1, { error: "expected a search text" })
          .max(512, { error: "expected a search text of at most 512 signs" })
          .describe("What to look for, in Reddit's search syntax."),
        type: choice(["posts", "subreddits"]).default("posts").describe("What to find."),
        subreddit: SubredditName.optional().describe("Only posts of this subreddit."),
        sort: choice(SEARCH_SORTS).default("relevance").describe("Order of the posts found."),
        time: choice(TIMES).default("all").describe("Only posts of this window."),
        limit: limit("Results to ask for; Reddit finds about 250 posts"),
      },
      { error: "expected a search text, or an object with query, type, subreddit, sort, time, limit" },
    )
    .superRefine(({ type, subreddit }, ctx) => {
      if (type === "subreddits" && subreddit !== undefined)
        ctx.addIssue({
          code: "custom",
          path: ["subreddit"],
          message: "expected no subreddit, because subreddits are looked for",
        });
    }),
);
export type SearchSpec = z.infer<typeof SearchSpec>;

/** Which comments to read of a post. */
export const CommentsSpec = z.strictObject(
  {
    per_post: wholeNumber(1, 10_000).describe("Comments to ask for of each post; 500 come in one request."),
    depth: wholeNumber(1, 10).default(10).describe("Levels of replies; 1 is top comments alone."),
  },
  { error: "expected an object with per_post, depth" },
);

/** Run input of the reddit actor. */
export const Input = z
  .strictObject(
    {
      subreddits: list(SubredditName, "subreddit names")
        .transform(distinctNames)
        .prefault([])
        .describe("Subreddits as name, r/name or address; profiles as u_name."),
      listings: list(ListingSpec, "listings")
        .superRefine(refuseRepeats)
        .prefault([{ sort: "hot" }, { sort: "top" }])
        .describe("Post listings to read of each subreddit, in this order. Top of week gives the metrics."),
      rules: flag(true).describe("Read each subreddit's rules: one request each."),
      users: list(Username, "user names")
        .transform(distinctNames)
        .prefault([])
        .describe("Users as name, u/name or address."),
      user_history: HistorySpec.prefault({}).describe(
        "What to read of users' history, where they let robots read it.",
      ),
      search: list(SearchSpec, "searches")
        .prefault([])
        .describe("Searches over all of Reddit or in one subreddit: a text, or an object."),
      authors: choice(["none", "batch", "full"])
        .default("batch")
        .describe(
          "Of the posts' authors: nothing; karma and age, a hundred in a request; or profile and history too, two requests each and more.",
        ),
      discover: flag(false).describe(
        "Note subreddits seen in users' posts, crossposts and searches in reddit_discoveries.",
      ),
      comments: CommentsSpec.optional().describe(
        "Comments of each post: one request a post and more. Off when left out.",
      ),
      since: isoDate().optional().describe("Only posts and comments made at or after this date, ISO 8601."),
      until_known: flag(false).describe("Read new only up to the posts that earlier runs saw."),
      max_items: wholeNumber(1, 100_000_000).optional().describe("End the run when it has this many items."),
      max_requests: wholeNumber(1, 100_000_000).optional().describe("End the run after this many requests."),
      source: choice(["oauth", "public"])
        .optional()
        .describe("Reddit's OAuth API, or the anonymous .json pages; by the credentials when left out."),
    },
    { error: "expected a JSON object" },
  )
  .superRefine(({ subreddits, users, search, listings, until_known }, ctx) => {
    if (subreddits.length + users.length + search.length === 0)
      ctx.addIssue({
        code: "custom",
        path: ["subreddits"],
        message: "expected at least one subreddit, user or search",
      });
    if (until_known && !listings.some(({ sort }) => sort === "new"))
      ctx.addIssue({
        code: "custom",
        path: ["listings"],
        message: "expected a listing with sort new, because until_known is set",
      });
  });
export type Input = z.infer<typeof Input>;

function hasTime(sort: string): boolean {
  return sort === "top" || sort === "controversial";
}

function withTime<Spec extends { sort: string; time?: (typeof TIMES)[number] | undefined }>(
  spec: Spec,
): Spec {
  return hasTime(spec.sort) ? { ...spec, time: spec.time ?? "week" } : spec;
}

function refuseTime(
  { sort, time }: { sort: string; time?: string | undefined },
  ctx: z.core.$RefinementCtx,
): void {
  if (time !== undefined && !hasTime(sort))
    ctx.addIssue({ code: "custom", path: ["time"], message: `expected no time, because ${sort} has none` });
}

function refuseRepeats(listings: readonly ListingSpec[], ctx: z.core.$RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { sort, time }] of listings.entries()) {
    const listing = time ? `${sort} of ${time}` : sort;
    if (seen.has(listing))
      ctx.addIssue({
        code: "custom",
        path: [index],
        message: `expected each listing once, ${listing} is a repeat`,
      });
    seen.add(listing);
  }
}

function limit(what: string) {
  return wholeNumber(1, LISTING_CAP)
    .default(100)
    .describe(`${what}. Reddit ends a listing near 1000, so 1000 means all that it gives.`);
}
