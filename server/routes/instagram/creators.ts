import type { H3 } from "h3";
import { z } from "zod";
import { toUsername } from "../../../actors/instagram/names.ts";
import {
  CREATORS,
  filterCreators,
  readCreator,
  REVIEW_STATUSES,
  reviewCreator,
} from "../../../shared/db/queries/instagram-creators.ts";
import { notFound } from "../../http/api-error.ts";
import { LIST_CACHE_SECS, listOf, listParameters } from "../../http/lists.ts";
import { flag, int, list, number, siteName, text } from "../../http/query.ts";
import { JsonText } from "../../http/reply.ts";
import { route } from "../../http/route.ts";
import { rowOf, wholeRowOf } from "../../http/rows.ts";
import type { Services } from "../../services.ts";

const tag = "Instagram";
const Tag = text().min(1).max(200);
/** Or the id. */
export const CreatorName = siteName(toUsername);
const Params = z.object({ username: CreatorName });
const Creator = wholeRowOf(CREATORS);

const Review = z
  .strictObject({
    review_status: z.enum(REVIEW_STATUSES).nullable().optional(),
    niche: text().max(200).nullable().optional(),
    categories: z.array(Tag).max(200).optional(),
    notes: text().max(10_000).nullable().optional(),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), {
    error: "at least one of review_status, niche, categories, notes",
  });

export function addCreators(app: H3, { database: { pool }, cache, readList }: Services): void {
  route(app, {
    method: "GET",
    path: "/api/instagram/creators",
    scope: "read",
    tag,
    summary: "Creators, page by page",
    query: z.strictObject({
      ...listParameters(CREATORS, "followers_count"),
      review_status: z
        .enum([...REVIEW_STATUSES, "none"])
        .optional()
        .meta({ description: "none: not reviewed" }),
      niche: text().max(200).optional(),
      min_followers: int(0, 2 ** 40).optional(),
      max_followers: int(0, 2 ** 40).optional(),
      min_engagement: number(0, 1e6).optional().meta({ description: "engagement_rate, per cent" }),
      verified: flag().optional(),
      tags: list(Tag).optional().meta({ description: "all of them, comma-separated" }),
      q: text().max(100).optional().meta({ description: "part of the username or the name" }),
    }),
    response: listOf(rowOf(CREATORS)),
    cacheSecs: LIST_CACHE_SECS,
    handler: ({ query }) => readList(CREATORS, filterCreators(query), query),
  });

  route(app, {
    method: "GET",
    path: "/api/instagram/creators/:username",
    scope: "read",
    tag,
    summary: "All columns of a creator, by username or id",
    params: Params,
    response: Creator,
    handler: async ({ params }) => {
      const row = await readCreator(pool, params.username);
      if (row === undefined) throw notFound(`creator ${params.username}`);
      return new JsonText(row);
    },
  });

  route(app, {
    method: "PATCH",
    path: "/api/instagram/creators/:username",
    scope: "admin",
    tag,
    summary: "Review a creator: the columns that people write",
    params: Params,
    body: Review,
    response: Creator,
    handler: async ({ params, body, principal }) => {
      if (!(await reviewCreator(pool, params.username, body, principal!.name)))
        throw notFound(`creator ${params.username}`);
      cache.clear();
      return new JsonText((await readCreator(pool, params.username))!);
    },
  });
}
