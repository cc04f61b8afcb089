import type { Pool } from "pg";

/** The database's clock, on which processes of several machines agree. */
export async function readNow(pool: Pool): Promise<Date> {
  const { rows } = await pool.query<{ now: Date }>("select clock_timestamp() as now");
  return rows[0]!.now;
}
