import type { Pool } from "pg";

/** What stands for a run in its requests. */
export async function findRunNumber(pool: Pool, runId: string): Promise<number> {
  const { rows } = await pool.query<{ number: number }>("select number from runs where id = $1", [runId]);
  return rows[0]!.number;
}
