import type { H3 } from "h3";
import { z } from "zod";
import { filterMedia, INSTAGRAM_POSTS, INSTAGRAM_REELS } from "../../../shared/db/queries/instagram-media.ts";
import { LIST_CACHE_SECS, listOf, listParameters } from "../../http/lists.ts";
import { int, timestamp } from "../../http/query.ts";
import { route } from "../../http/route.ts";
import { rowOf } from "../../http/rows.ts";
import type { Services } from "../../services.ts";
import { CreatorName } from "./creators.ts";

const LISTS = [
  { path: "/api/instagram/posts", table: INSTAGRAM_POSTS, summary: "Posts, page by page" },
  { path: "/api/instagram/reels", table: INSTAGRAM_REELS, summary: "Reels, page by page" },
] as const;

export function addMedia(app: H3, { readList }: Services): void {
  for (const { path, table, summary } of LISTS) {
    route(app, {
      method: "GET",
      path,
      scope: "read",
      tag: "Instagram",
      summary,
      query: z.strictObject({
        ...listParameters(table, "taken_at"),
        creator: CreatorName.optional().meta({ description: "username or id" }),
        since: timestamp().optional().meta({ description: "taken_at at the earliest" }),
        min_plays: int(0, 2 ** 40).optional(),
        niche: z
          .string()
          .regex(/^[^\0]{1,200}$/, { error: "a niche" })
          .optional()
          .meta({ description: "of the creator" }),
      }),
      response: listOf(rowOf(table)),
      cacheSecs: LIST_CACHE_SECS,
      handler: ({ query }) => readList(table, filterMedia(table, query), query),
    });
  }
}
