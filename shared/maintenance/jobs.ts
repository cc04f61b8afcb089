import { type Transaction, sql } from "kysely";
import type { Logger } from "pino";
import type { Database } from "../db/database.ts";
import type { DB } from "../db/tables.ts";

/** Work that exactly one process of all does at a time. */
export interface Job {
  name: string;
  /** From one beginning to the next; `null`: only when it is asked for. */
  everySecs: number | null;
  /** After which another process may take it from one that is silent: longer than it ever takes. */
  leaseSecs: number;
  /** @returns what was done, one line, for the log of the schedule that has asked for it */
  run(options: unknown): Promise<string | null>;
}

export interface JobServices {
  database: Pick<Database, "pool">;
  /** Id of this process. */
  owner: string;
  log: Pick<Logger, "error">;
}

/** After which a job that was asked for, and failed, is tried again. */
const RETRY_SECS = 60;

interface Request {
  name: string;
  scheduleId: string;
  options: unknown;
  /** Does not ask while what was asked for last is not done. */
  isExclusive: boolean;
}

/** Asks for a job, which whoever does maintenance then does. False when it was asked for before and is not done. */
export async function requestJob(
  transaction: Transaction<DB>,
  { name, scheduleId, options, isExclusive }: Request,
): Promise<boolean> {
  const { rows } = await sql`
    insert into maintenance_jobs as j (name, requested_at, schedule_id, options)
    values (${name}, clock_timestamp(), ${scheduleId}, ${JSON.stringify(options)})
    on conflict (name) do update
    set requested_at = excluded.requested_at, schedule_id = excluded.schedule_id, options = excluded.options
    where not ${isExclusive} or coalesce(j.requested_at <= j.finished_at, j.requested_at is null)
    returning 1`.execute(transaction);
  return rows.length > 0;
}

/**
 * Does `job` when its time has come and nobody else is at it. Its error is logged and kept in its row; what comes out is
 * an error of the database before or after it.
 * @returns true when it was done
 */
export async function runJob({ database: { pool }, owner, log }: JobServices, job: Job): Promise<boolean> {
  const { rows } = await pool.query<{ options: unknown; schedule_id: string | null }>(
    "select options, schedule_id from claim_job($1, $2, $3, $4)",
    [job.name, owner, job.everySecs, job.leaseSecs],
  );
  const claimed = rows[0];
  if (!claimed) return false;
  let done: string | null = null;
  let failure: string | null = null;
  try {
    done = await job.run(claimed.options);
  } catch (error) {
    log.error({ err: error }, `${job.name} failed`);
    failure = (error as Error).message;
  }
  await pool.query("select finish_job($1, $2, $3, $4)", [job.name, owner, failure, RETRY_SECS]);
  const message = failure === null ? done : `${job.name} failed: ${failure}`;
  if (claimed.schedule_id !== null && message !== null) {
    await pool.query(
      `insert into schedule_logs (schedule_id, level, message)
      select id, $2, $3 from schedules where id = $1`,
      [claimed.schedule_id, failure === null ? "INFO" : "ERROR", message],
    );
  }
  return failure === null;
}
