import type { H3 } from "h3";
import { z } from "zod";
import { filterLogs, LEVELS, LOGS } from "../../shared/db/queries/logs.ts";
import { readUsage, USAGE_GROUPS } from "../../shared/db/queries/usage.ts";
import { LIST_CACHE_SECS, listOf, listParameters } from "../http/lists.ts";
import { timestamp } from "../http/query.ts";
import { route } from "../http/route.ts";
import { rowOf } from "../http/rows.ts";
import type { Services } from "../services.ts";

const tag = "Operations";
const DAY_MS = 86_400_000;
const Word = z.string().regex(/^[^\0]{1,200}$/, { error: "a word" });
const { limit, cursor, sort } = listParameters(LOGS, "at");

/** What happened, and what it cost. */
export function addLogs(app: H3, { config, database: { pool }, readList }: Services): void {
  route(app, {
    method: "GET",
    path: "/api/logs",
    scope: "read",
    tag,
    summary: "Warnings and errors of servers, workers and runs, the newest first",
    description: "With q and no since, those of the last 24 hours.",
    query: z.strictObject({
      limit,
      cursor,
      sort,
      source: Word.optional(),
      level: z.enum(LEVELS).optional(),
      run: Word.optional(),
      since: timestamp().optional(),
      q: Word.optional().meta({ description: "part of the message" }),
    }),
    response: listOf(rowOf(LOGS).extend({ level: z.enum(LEVELS) })),
    cacheSecs: LIST_CACHE_SECS,
    handler: ({ query }) => {
      // No index finds a part of a message: it has to be looked for.
      const since = query.since ?? (query.q === undefined ? undefined : startOfMinute(Date.now() - DAY_MS));
      return readList(LOGS, filterLogs({ ...query, since }), query);
    },
  });

  route(app, {
    method: "GET",
    path: "/api/usage",
    scope: "read",
    tag,
    summary: "What calls cost, by provider, actor, run or UTC day",
    description: "By default of the last 30 days, by run of the last day. At most 1,000 rows.",
    query: z.strictObject({
      group_by: z.enum(USAGE_GROUPS).default("day"),
      provider: Word.optional(),
      actor: Word.optional(),
      run: Word.optional(),
      since: timestamp().optional(),
      until: timestamp().optional(),
    }),
    response: z.object({
      items: z.array(
        z.object({
          key: z.string(),
          calls: z.int(),
          failed: z.int(),
          units: z.int(),
          cost_usd: z.number(),
        }),
      ),
      total_cost_usd: z.number(),
    }),
    cacheSecs: Math.min(60, config.cacheTtlSecs),
    handler: async ({ query: { group_by, ...wanted } }) => {
      const days = group_by === "run" && wanted.run === undefined ? 1 : 30;
      const since = wanted.since ?? startOfMinute(Date.now() - days * DAY_MS);
      const items = await readUsage(pool, group_by, { ...wanted, since });
      return { items, total_cost_usd: items.reduce((sum, { cost_usd }) => sum + cost_usd, 0) };
    },
  });
}

/** So that equal questions of one minute are equal. */
function startOfMinute(ms: number): Date {
  return new Date(Math.floor(ms / 60_000) * 60_000);
}
