import { type RawBuilder, sql } from "kysely";
import type { Queryable } from "./delivery.ts";
import { type Run, RUN_COLUMNS, type RunRow, type RunStatus, toRun } from "./run.ts";

export interface RunFilter {
  actor?: string;
  statuses?: readonly RunStatus[];
  /** Who launched it: one of `RunOrigin`. */
  origin?: string;
  /** Inclusive; a run that has not started counts by its creation. */
  startedAfter?: Date;
  /** Inclusive. */
  startedBefore?: Date;
  scheduleId?: string;
  limit: number;
  offset: number;
  /** Newest first. */
  desc: boolean;
}

export async function readRun(db: Queryable, id: string): Promise<Run | undefined> {
  return (await selectRuns(db, sql`where r.id = ${id}`))[0];
}

export function readRuns(db: Queryable, ids: readonly string[]): Promise<Run[]> {
  return selectRuns(db, sql`where r.id = any(${[...ids]}::text[])`);
}

/** A page of runs in the order of their creation, and how many there are in all. */
export async function listRuns(db: Queryable, filter: RunFilter): Promise<{ items: Run[]; total: number }> {
  const where = toWhere(filter);
  const { limit, offset, desc } = filter;
  const order = desc ? sql`desc` : sql`asc`;
  const [items, totals] = await Promise.all([
    selectRuns(
      db,
      sql`${where} order by r.created_at ${order}, r.id ${order} limit ${limit} offset ${offset}`,
    ),
    sql<{ total: number }>`select count(*) as total from runs r ${where}`.execute(db),
  ]);
  return { items, total: totals.rows[0]!.total };
}

/**
 * Runs whose row has changed since `at`, the longest ago first. A transaction shows its changes some time after it has
 * stamped them: who asks again and again goes back a second or two, and leaves out what it has seen.
 */
export function readChangedRuns(db: Queryable, at: Date, limit: number): Promise<Run[]> {
  return selectRuns(db, sql`where r.modified_at > ${at} order by r.modified_at, r.id limit ${limit}`);
}

async function selectRuns(db: Queryable, rest: RawBuilder<unknown>): Promise<Run[]> {
  const { rows } = await sql<RunRow>`select ${RUN_COLUMNS} from runs r ${rest}`.execute(db);
  return rows.map(toRun);
}

function toWhere({
  actor,
  statuses,
  origin,
  startedAfter,
  startedBefore,
  scheduleId,
}: RunFilter): RawBuilder<unknown> {
  // In milliseconds, as it was told to whoever asks.
  const started = sql`date_trunc('milliseconds', coalesce(r.started_at, r.created_at))`;
  const conditions = [
    actor !== undefined && sql`r.actor = ${actor}`,
    origin !== undefined && sql`r.origin = ${origin}`,
    statuses && sql`r.status = any(${[...statuses]}::text[])`,
    startedAfter && sql`${started} >= ${startedAfter}`,
    startedBefore && sql`${started} <= ${startedBefore}`,
    scheduleId !== undefined && sql`r.schedule_id = ${scheduleId}`,
  ].filter((condition) => condition !== false && condition !== undefined);
  return conditions.length > 0 ? sql`where ${sql.join(conditions, sql` and `)}` : sql``;
}
