import type { H3 } from "h3";
import { z } from "zod";
import { toUsername } from "../../../actors/reddit/names.ts";
import { filterUsers, readUser, USER_STATUSES, USERS } from "../../../shared/db/queries/reddit-users.ts";
import { notFound } from "../../http/api-error.ts";
import { LIST_CACHE_SECS, listOf, listParameters } from "../../http/lists.ts";
import { flag, int, siteName, text } from "../../http/query.ts";
import { JsonText } from "../../http/reply.ts";
import { route } from "../../http/route.ts";
import { rowOf, wholeRowOf } from "../../http/rows.ts";
import type { Services } from "../../services.ts";

const tag = "Reddit";

export function addUsers(app: H3, { database: { pool }, readList }: Services): void {
  route(app, {
    method: "GET",
    path: "/api/reddit/users",
    scope: "read",
    tag,
    summary: "Reddit users, page by page",
    query: z.strictObject({
      ...listParameters(USERS, "total_karma"),
      min_karma: int(-(2 ** 31), 2 ** 31 - 1).optional(),
      min_age_days: int(0, 36_500).optional(),
      status: z.enum(USER_STATUSES).optional(),
      our_creator: flag().optional(),
      q: text().max(100).optional().meta({ description: "part of the name" }),
    }),
    response: listOf(rowOf(USERS)),
    cacheSecs: LIST_CACHE_SECS,
    handler: ({ query }) => readList(USERS, filterUsers(query), query),
  });

  route(app, {
    method: "GET",
    path: "/api/reddit/users/:username",
    scope: "read",
    tag,
    summary: "All columns of a Reddit user",
    params: z.object({ username: siteName(toUsername) }),
    response: wholeRowOf(USERS),
    handler: async ({ params }) => {
      const row = await readUser(pool, params.username);
      if (row === undefined) throw notFound(`user ${params.username}`);
      return new JsonText(row);
    },
  });
}
