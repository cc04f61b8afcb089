import type { H3 } from "h3";
import { z } from "zod";
import { RULE_NAMES } from "../../shared/alerts/rules.ts";
import { ALERTS, filterAlerts } from "../../shared/db/queries/alerts.ts";
import { listOf, listParameters } from "../http/lists.ts";
import { flag } from "../http/query.ts";
import { route } from "../http/route.ts";
import { rowOf } from "../http/rows.ts";
import type { Services } from "../services.ts";

const { limit, cursor, sort } = listParameters(ALERTS, "opened_at");

export function addAlerts(app: H3, { readList }: Services): void {
  route(app, {
    method: "GET",
    path: "/api/alerts",
    scope: "read",
    tag: "Alerts",
    summary: "Alerts, open and past, the newest first",
    query: z.strictObject({
      limit,
      cursor,
      sort,
      open: flag().optional().describe("only those that are open, or over"),
      rule: z.enum(RULE_NAMES).optional(),
    }),
    response: listOf(rowOf(ALERTS)),
    handler: ({ query }) => readList(ALERTS, filterAlerts(query), query),
  });
}
