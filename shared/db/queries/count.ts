import type { Pool } from "pg";
import type { Filter } from "./filter.ts";
import { readRowCount } from "./totals.ts";

export interface Total {
  total: number;
  isEstimate: boolean;
}

/** Up to here rows are counted one by one. */
const MAX_COUNTED = 20_000;

/** How many rows of `table` fit: as it is counted all the time, counted now, or as the planner estimates. */
export async function countRows(pool: Pool, table: string, filter: Filter): Promise<Total> {
  if (filter.isEmpty) {
    const counted = await readRowCount(pool, table);
    if (counted !== undefined) return { total: counted, isEstimate: false };
  }
  const select = `select from ${table} t ${filter.where()}`;
  const estimate = await estimateRows(pool, select, filter.values);
  if (estimate > MAX_COUNTED) return { total: estimate, isEstimate: true };
  const { rows } = await pool.query<{ total: number }>(
    `select count(*)::integer as total from (${select} limit ${MAX_COUNTED + 1}) counted`,
    filter.values,
  );
  const total = rows[0]!.total;
  return { total, isEstimate: total > MAX_COUNTED };
}

async function estimateRows(pool: Pool, select: string, values: unknown[]): Promise<number> {
  const { rows } = await pool.query<{ "QUERY PLAN": [{ Plan: { "Plan Rows": number } }] }>(
    `explain (format json) ${select}`,
    values,
  );
  return rows[0]!["QUERY PLAN"][0].Plan["Plan Rows"];
}
