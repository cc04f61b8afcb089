import { columnsOf } from "./columns.ts";
import { containing, Filter } from "./filter.ts";
import type { ListTable } from "./page.ts";

export const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

export const LOGS = {
  name: "system_logs",
  id: { column: "id", type: "bigint", order: "desc" },
  columns: columnsOf("id at source level run_id message context"),
  sorts: { at: { column: "at", type: "timestamptz" } },
} satisfies ListTable;

export interface LogFilter {
  source?: string | undefined;
  level?: (typeof LEVELS)[number] | undefined;
  run?: string | undefined;
  since?: Date | undefined;
  /** Part of the message. */
  q?: string | undefined;
}

export function filterLogs(wanted: LogFilter): Filter {
  return new Filter()
    .add("t.source = ?", wanted.source)
    .add("t.level = ?", wanted.level)
    .add("t.run_id = ?", wanted.run)
    .add("t.at >= ?", wanted.since)
    .add("lower(t.message) like ?", containing(wanted.q));
}
