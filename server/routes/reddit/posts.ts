import type { H3 } from "h3";
import { z } from "zod";
import { toSubredditName, toUsername } from "../../../actors/reddit/names.ts";
import {
  CONTENT_TYPES,
  filterPosts,
  POSTS,
  readViralPosts,
} from "../../../shared/db/queries/reddit-posts.ts";
import { invalidRequest } from "../../http/api-error.ts";
import { LIST_CACHE_SECS, listOf, listParameters, listText } from "../../http/lists.ts";
import { int, siteName, timestamp } from "../../http/query.ts";
import { route } from "../../http/route.ts";
import { partOf, rowOf } from "../../http/rows.ts";
import type { Services } from "../../services.ts";

const Query = z.strictObject({
  ...listParameters(POSTS, "created_utc"),
  sort: z.enum(["created_utc", "score", "viral"]).default("created_utc").meta({
    description:
      "descending; viral: by viral rank, of subreddits reviewed Ok, one page, with no other filter",
  }),
  subreddit: siteName(toSubredditName).optional(),
  author: siteName(toUsername).optional(),
  since: timestamp().optional(),
  content_type: z.enum(CONTENT_TYPES).optional(),
  min_score: int(-(2 ** 31), 2 ** 31 - 1).optional(),
  hours: int(1, 720).default(72).meta({ description: "viral: how old posts may be" }),
  per_subreddit: int(1, 100).default(3).meta({ description: "viral: how many of one subreddit" }),
});

export function addPosts(app: H3, { database: { pool }, cache, readList }: Services): void {
  const readViral = async ({ hours, per_subreddit, limit, fields = [] }: z.output<typeof Query>) => {
    const page = await readViralPosts(pool, {
      windowHours: hours,
      perSubreddit: per_subreddit,
      limit,
      fields,
    });
    return listText({ ...page, nextCursor: null }, { total: page.count, isEstimate: false });
  };

  route(app, {
    method: "GET",
    path: "/api/reddit/posts",
    scope: "read",
    tag: "Reddit",
    summary: "Posts, page by page",
    query: Query,
    response: listOf(rowOf(POSTS).extend(partOf(POSTS, ["viral_rank"]).partial().shape)),
    cacheSecs: LIST_CACHE_SECS,
    handler: async ({ query }) => {
      if (query.sort !== "viral") return readList(POSTS, filterPosts(query), query);
      const { cursor, subreddit, author, since, content_type, min_score } = query;
      const unused = Object.entries({ cursor, subreddit, author, since, content_type, min_score }).flatMap(
        ([name, value]) => (value === undefined ? [] : `${name}: there is no such filter of sort=viral`),
      );
      if (unused.length > 0) throw invalidRequest(unused);
      // It looks at every post of the window.
      const kept = await cache.get(`viral ${JSON.stringify(query)}`, 60_000, false, () => readViral(query));
      return kept.answer;
    },
  });
}
