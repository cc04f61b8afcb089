import type { Pool } from "pg";
import { withRetry } from "../../db/retry.ts";
import { UsageLedger } from "../usage-ledger.ts";

/** The ledger of a run on the database: rows of `api_usage`. */
export async function openUsageTable(
  { pool, runId }: { pool: Pool; runId: string },
  onError: (error: Error) => void,
): Promise<UsageLedger> {
  const { rows } = await withRetry(() =>
    pool.query<{ spent: number }>(
      "select coalesce(sum(cost_usd), 0)::float8 as spent from api_usage where run_id = $1",
      [runId],
    ),
  );
  return new UsageLedger({
    spentUsd: rows[0]!.spent,
    onError,
    async write(entries) {
      const usage = JSON.stringify(entries.map((entry) => ({ ...entry, run_id: runId })));
      await withRetry(() => pool.query("select record_usage($1::jsonb)", [usage]));
    },
  });
}
