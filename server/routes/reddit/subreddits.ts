import type { H3 } from "h3";
import { z } from "zod";
import { toSubredditName } from "../../../actors/reddit/names.ts";
import { POSTS } from "../../../shared/db/queries/reddit-posts.ts";
import {
  countReviews,
  filterSubreddits,
  readSubreddit,
  REVIEWS,
  reviewSubreddits,
  SUBREDDITS,
  suggestSubreddits,
  TOP_POST_COLUMNS,
} from "../../../shared/db/queries/reddit-subreddits.ts";
import { boundedArray } from "../../../shared/parse/input-fields.ts";
import { notFound } from "../../http/api-error.ts";
import { LIST_CACHE_SECS, listOf, listParameters } from "../../http/lists.ts";
import { flag, int, list, number, siteName, text } from "../../http/query.ts";
import { JsonText } from "../../http/reply.ts";
import { route } from "../../http/route.ts";
import { partOf, rowOf, wholeRowOf } from "../../http/rows.ts";
import type { Services } from "../../services.ts";

const tag = "Reddit";
const Name = z.object({ name: siteName(toSubredditName) });
const Subreddit = wholeRowOf(SUBREDDITS);
const TopPost = partOf(POSTS, TOP_POST_COLUMNS);
const Tag = text().min(1).max(200);

const Review = {
  review: z.enum(REVIEWS).nullable().optional(),
  primary_category: text().max(200).nullable().optional(),
  tags: boundedArray(Tag, { max: 200, what: "tags" }).optional(),
  notes: text().max(10_000).nullable().optional(),
};

const Names = boundedArray(z.string(), { max: 1000, what: "names" }).refine((names) => names.length > 0, {
  error: "at least one name",
});

function changesSomething(body: object): boolean {
  return Object.keys(Review).some((name) => Reflect.get(body, name) !== undefined);
}
const NOTHING = { error: `at least one of ${Object.keys(Review).join(", ")}` };

export function addSubreddits(app: H3, { database: { pool }, cache, readList }: Services): void {
  route(app, {
    method: "GET",
    path: "/api/reddit/subreddits",
    scope: "read",
    tag,
    summary: "Subreddits, page by page",
    query: z.strictObject({
      ...listParameters(SUBREDDITS, "subscribers"),
      review: z
        .enum([...REVIEWS, "none"])
        .optional()
        .meta({ description: "none: not reviewed" }),
      category: text().optional(),
      tags: list(Tag).optional().meta({ description: "all of them, comma-separated" }),
      over18: flag().optional(),
      min_subscribers: int(0, 2 ** 31 - 1).optional(),
      max_subscribers: int(0, 2 ** 31 - 1).optional(),
      q: text().max(100).optional().meta({ description: "part of the name" }),
    }),
    response: listOf(rowOf(SUBREDDITS)),
    cacheSecs: LIST_CACHE_SECS,
    handler: ({ query }) => readList(SUBREDDITS, filterSubreddits(query), query),
  });

  route(app, {
    method: "GET",
    path: "/api/reddit/subreddits/:name",
    scope: "read",
    tag,
    summary: "All columns of a subreddit",
    params: Name,
    response: Subreddit,
    handler: async ({ params }) => {
      const row = await readSubreddit(pool, params.name);
      if (row === undefined) throw notFound(`subreddit ${params.name}`);
      return new JsonText(row);
    },
  });

  route(app, {
    method: "PATCH",
    path: "/api/reddit/subreddits/:name",
    scope: "admin",
    tag,
    summary: "Review a subreddit: the columns that people write",
    params: Name,
    body: z.strictObject(Review).refine(changesSomething, NOTHING),
    response: Subreddit,
    handler: async ({ params, body, principal }) => {
      const [name] = await reviewSubreddits(pool, [params.name], body, principal!.name);
      if (name === undefined) throw notFound(`subreddit ${params.name}`);
      cache.clear();
      return new JsonText((await readSubreddit(pool, name))!);
    },
  });

  route(app, {
    method: "POST",
    path: "/api/reddit/subreddits/bulk-review",
    scope: "admin",
    tag,
    summary: "Review up to 1,000 subreddits alike",
    body: z.strictObject({ names: Names, ...Review }).refine(changesSomething, NOTHING),
    response: z.object({ updated: z.int(), missing: z.array(z.string()) }),
    handler: async ({ body, principal }) => {
      // What is no name is missing, like a name that nobody knows: the others count.
      const names = body.names.map((given) => toSubredditName(given) ?? given.replaceAll("\0", "\ufffd"));
      const found = await reviewSubreddits(pool, names, body, principal!.name);
      cache.clear();
      const known = new Set(found.map((name) => name.toLowerCase()));
      return {
        updated: found.length,
        missing: body.names.filter((_, index) => !known.has(names[index]!.toLowerCase())),
      };
    },
  });

  route(app, {
    method: "GET",
    path: "/api/reddit/review-counts",
    scope: "read",
    tag,
    summary: "Subreddits by review, and how many of them were added in the last 24 hours",
    response: z.object({
      items: z.array(z.object({ review: z.enum(REVIEWS).nullable(), count: z.int(), added_today: z.int() })),
    }),
    cacheSecs: LIST_CACHE_SECS,
    handler: async () => ({ items: await countReviews(pool) }),
  });

  route(app, {
    method: "GET",
    path: "/api/reddit/suggestions",
    scope: "read",
    tag,
    summary: "Where to post: subreddits reviewed Ok, each with its ten best posts of seven days",
    query: z.strictObject({
      tags: list(Tag).optional().meta({ description: "any of them, comma-separated" }),
      sfw: flag().optional(),
      verification_required: flag().optional(),
      min_engagement: number(0, 1e6).optional(),
      min_subscribers: int(0, 2 ** 31 - 1).optional(),
      limit: int(1, 100).default(20),
    }),
    response: z.object({
      items: z.array(
        partOf(SUBREDDITS, Object.keys(SUBREDDITS.columns)).extend({ top_posts: z.array(TopPost) }),
      ),
    }),
    cacheSecs: 60,
    handler: async ({ query }) => new JsonText(`{"items":${await suggestSubreddits(pool, query)}}`),
  });
}
