import type { Pool } from "pg";
import { Filter } from "./filter.ts";

export interface UsageFilter {
  provider?: string | undefined;
  actor?: string | undefined;
  run?: string | undefined;
  since: Date;
  until?: Date | undefined;
}

export interface UsageRow {
  /** What it is grouped by: a provider, actor, run or UTC day. */
  key: string;
  calls: number;
  /** Answered with 400 and above, or not at all. */
  failed: number;
  units: number;
  cost_usd: number;
}

export const USAGE_GROUPS = ["provider", "actor", "run", "day"] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** Runs are the newest first, days the latest, others the dearest. */
const MAX_ROWS = 1_000;

/**
 * The ledger of calls, summed up. By run, or of one run, the calls themselves are summed; else whole days are, `since`
 * and `until` included.
 */
export async function readUsage(pool: Pool, group: UsageGroup, wanted: UsageFilter): Promise<UsageRow[]> {
  const byCall = group === "run" || wanted.run !== undefined;
  const filter = byCall ? callFilter(wanted) : dayFilter(wanted);
  const { key, order } = (byCall ? CALLS : DAYS)[group];
  const from = byCall ? "api_usage t left join runs r on r.id = t.run_id" : "api_usage_days t";
  const [calls, isFailed] = byCall
    ? ["count(*)", "coalesce(t.status, 0) = 0 or t.status >= 400"]
    : ["sum(t.calls)::bigint", "t.status = 0 or t.status >= 400"];
  const failed = byCall
    ? `count(*) filter (where ${isFailed})`
    : `coalesce(sum(t.calls) filter (where ${isFailed}), 0)::bigint`;
  const { rows } = await pool.query<UsageRow>(
    `select coalesce(${key}, '') as key, ${calls} as calls, ${failed} as failed, sum(t.units)::bigint as units,
      sum(t.cost_usd) as cost_usd
    from ${from} ${filter.where()} group by 1 order by ${order} limit ${MAX_ROWS}`,
    filter.values,
  );
  return rows;
}

const CALLS: Record<UsageGroup, { key: string; order: string }> = {
  provider: { key: "t.provider", order: "cost_usd desc, 1" },
  actor: { key: "r.actor", order: "cost_usd desc, 1" },
  run: { key: "t.run_id", order: "max(t.at) desc, 1" },
  day: { key: "((t.at at time zone 'utc')::date)::text", order: "1 desc" },
};

const DAYS: Record<UsageGroup, { key: string; order: string }> = {
  ...CALLS,
  actor: { key: "t.actor", order: "cost_usd desc, 1" },
  day: { key: "t.day::text", order: "1 desc" },
};

function callFilter({ provider, actor, run, since, until }: UsageFilter): Filter {
  return new Filter()
    .add("t.provider = ?", provider)
    .add("r.actor = ?", actor)
    .add("t.run_id = ?", run)
    .add("t.at >= ?", since)
    .add("t.at <= ?", until);
}

function dayFilter({ provider, actor, since, until }: UsageFilter): Filter {
  return new Filter()
    .add("t.provider = ?", provider)
    .add("t.actor = ?", actor)
    .add("t.day >= (?::timestamptz at time zone 'utc')::date", since)
    .add("t.day <= (?::timestamptz at time zone 'utc')::date", until);
}
