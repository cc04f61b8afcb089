import { z } from "zod";
import { distinctNames, toSubredditName } from "./names.ts";

export const SORTS = ["hot", "new", "rising", "top", "controversial"] as const;
export const TIMES = ["hour", "day", "week", "month", "year", "all"] as const;

/** Reddit hands out about this many items of a listing and ends it. */
export const LISTING_CAP = 1000;

/** One listing of a subreddit and how many of its posts are wanted. */
export interface ListingSpec {
  sort: (typeof SORTS)[number];
  time?: (typeof TIMES)[number] | undefined;
  limit: number;
}

const SubredditName = z
  .string({ error: "expected a subreddit name" })
  .transform(
    normalize(
      toSubredditName,
      "expected a subreddit name: 2–21 letters, digits or _, or a profile as u_name; r/name and URLs will do",
    ),
  );

const Listing = z
  .strictObject(
    {
      sort: z.enum(SORTS, { error: oneOf(SORTS) }).describe("Which listing of the subreddit."),
      time: z
        .enum(TIMES, { error: oneOf(TIMES) })
        .optional()
        .describe("Window of top and controversial; week when left out. Other sorts have none."),
      limit: wholeNumber(1, LISTING_CAP)
        .default(100)
        .describe("Posts to ask for. Reddit ends a listing near 1000, so 1000 means all that it gives."),
    },
    { error: "expected an object with sort, time, limit" },
  )
  .superRefine(({ sort, time }, ctx) => {
    if (time !== undefined && !hasTime(sort))
      ctx.addIssue({ code: "custom", path: ["time"], message: `expected no time, because ${sort} has none` });
  })
  .transform(({ sort, time = "week", limit }): ListingSpec => ({
    sort,
    limit,
    ...(hasTime(sort) && { time }),
  }));

/** Run input of the reddit actor. */
export const Input = z
  .strictObject(
    {
      subreddits: z
        .array(SubredditName, { error: "expected a list of subreddit names" })
        .transform(distinctNames)
        .default([])
        .describe("Subreddits as name, r/name or URL; profiles as u_name."),
      listings: z
        .array(Listing, { error: "expected a list of listings" })
        .superRefine(refuseRepeats)
        .default([{ sort: "hot", limit: 100 }])
        .describe("Post listings to read of each subreddit, in this order."),
      source: z
        .enum(["oauth", "public"], { error: oneOf(["oauth", "public"]) })
        .optional()
        .describe("Reddit's OAuth API, or the anonymous .json pages; by the credentials when left out."),
    },
    { error: "expected a JSON object" },
  )
  .superRefine(({ subreddits }, ctx) => {
    if (subreddits.length === 0)
      ctx.addIssue({ code: "custom", path: ["subreddits"], message: "expected at least one subreddit" });
  });
export type Input = z.infer<typeof Input>;

function hasTime(sort: ListingSpec["sort"]): boolean {
  return sort === "top" || sort === "controversial";
}

function refuseRepeats(listings: readonly ListingSpec[], ctx: z.core.$RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { sort, time }] of listings.entries()) {
    const name = time ? `${sort} of ${time}` : sort;
    if (seen.has(name))
      ctx.addIssue({
        code: "custom",
        path: [index],
        message: `expected each listing once, ${name} is a repeat`,
      });
    seen.add(name);
  }
}

function normalize(toName: (text: string) => string | null, message: string) {
  return (text: string, ctx: z.core.$RefinementCtx<string>): string => {
    const name = toName(text);
    if (name !== null) return name;
    ctx.addIssue({ code: "custom", message });
    return z.NEVER;
  };
}

function wholeNumber(min: number, max: number) {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

function oneOf(values: readonly string[]): string {
  return `expected one of ${values.join(", ")}`;
}
