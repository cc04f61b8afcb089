import type { ListTable } from "./page.ts";
import { Filter } from "./filter.ts";

export const ALERTS = {
  name: "alerts",
  id: { column: "id", type: "bigint", order: "desc" },
  columns: {
    id: "t.id",
    rule: "t.rule",
    subject: "t.subject",
    message: "t.message",
    value: "t.value",
    threshold: "t.threshold",
    is_open: "t.closed_at is null",
    opened_at: "t.opened_at",
    last_seen_at: "t.last_seen_at",
    closed_at: "t.closed_at",
  },
  computed: { is_open: { type: "boolean", nullable: false } },
  sorts: { opened_at: { column: "opened_at", type: "timestamptz" } },
} as const satisfies ListTable;

export function filterAlerts({
  open,
  rule,
}: {
  open?: boolean | undefined;
  rule?: string | undefined;
}): Filter {
  return new Filter().add("(t.closed_at is null) = ?", open).add("t.rule = ?", rule);
}
