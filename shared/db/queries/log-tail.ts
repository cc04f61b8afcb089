import type { Pool } from "pg";

export interface LogLine {
  id: number;
  at: Date;
  source: string;
  level: string;
  run_id: string | null;
  message: string;
}

/** Lines of the system's log with ids beyond `afterId`, the oldest first. */
export async function readLogsAfter(pool: Pool, afterId: number, limit: number): Promise<LogLine[]> {
  const { rows } = await pool.query<LogLine>(
    `select * from (
      select id, at, source, level, run_id, message from system_logs
      where at > now() - interval '1 hour' order by at desc, id desc limit $2
    ) newest where id > $1 order by id`,
    [afterId, limit],
  );
  return rows;
}

/** The database's time, and the id of the newest line (0: there is none). */
export async function readLogHead(pool: Pool): Promise<{ now: Date; id: number }> {
  const { rows } = await pool.query<{ now: Date; id: number }>(
    `select now() as now,
      coalesce((select id from system_logs order by at desc, id desc limit 1), 0) as id`,
  );
  return rows[0]!;
}
