import { sql, type Transaction } from "kysely";
import type { Logger } from "pino";
import type { Database } from "../db/database.ts";
import type { DB } from "../db/tables.ts";
import { requestJob } from "../maintenance/jobs.ts";
import { InvalidRunInputError, NothingDueError, UnknownActorError } from "../runs/run.ts";
import type { Runs } from "../runs/runs.ts";
import { nextFireTimes } from "./cron.ts";
import { type Schedule, type ScheduleLogLine, toSchedule } from "./schedule.ts";
import { nextFireAt } from "./schedules.ts";

export interface FireServices {
  database: Pick<Database, "kysely">;
  runs: Pick<Runs, "launch">;
  log: Pick<Logger, "warn" | "error">;
}

/** Signs of an error that a schedule's row keeps. */
const MAX_FAILURE = 1000;

type Outcome = Omit<ScheduleLogLine, "at"> & {
  /** Whether it did what it had to; `skipped` says nothing of that. */
  result: "done" | "nothing due" | "failed" | "skipped";
  runId?: string;
};

/**
 * Fires every schedule whose time has come by `now`, each once, however many times have passed since. Any number of
 * processes may do so at once: one of them fires a schedule.
 * @returns how many it has fired
 */
export async function fireDueSchedules(services: FireServices, now: Date): Promise<number> {
  const due = await services.database.kysely
    .selectFrom("schedules")
    .select(["id", "name"])
    .where("is_enabled", "=", true)
    .where("next_fire_at", "<=", now)
    .orderBy("next_fire_at")
    .execute();
  let fired = 0;
  for (const { id, name } of due) {
    try {
      if (await fireOnce(services, id, now)) fired++;
    } catch (error) {
      // Nothing has been written: its time has still come. A schedule that cannot be fired must not stop the others.
      services.log.error({ err: error }, `schedule ${name} cannot be fired, it is tried again`);
      await services.database.kysely
        .updateTable("schedules")
        .set(failedAt(now, (error as Error).message))
        .where("id", "=", id)
        // Unless somebody else has fired it meanwhile.
        .where("next_fire_at", "<=", now)
        .execute();
    }
  }
  return fired;
}

/**
 * Launch, log line and next time are one transaction: a process that dies in it leaves nothing, and the others fire.
 * False when somebody else is firing it, or has.
 */
async function fireOnce(services: FireServices, id: string, now: Date): Promise<boolean> {
  return services.database.kysely.transaction().execute(async (transaction) => {
    const row = await transaction
      .selectFrom("schedules")
      .selectAll()
      .where("id", "=", id)
      .where("is_enabled", "=", true)
      .where("next_fire_at", "<=", now)
      .forUpdate()
      .skipLocked()
      .executeTakeFirst();
    if (!row) return false;
    const schedule = toSchedule(row);
    const outcome = await begin(services, transaction, schedule);
    const note = outcome.result === "nothing due" ? "" : lateness(schedule, now);
    await writeLog(transaction, id, { ...outcome, message: outcome.message + note });
    await transaction
      .updateTable("schedules")
      .set({ last_fired_at: now, next_fire_at: nextFireAt(schedule, now), ...stateAfter(outcome, now) })
      .$if(outcome.runId !== undefined, (query) => query.set({ last_run_id: outcome.runId! }))
      .where("id", "=", id)
      .execute();
    return true;
  });
}

async function begin(
  { runs, log }: FireServices,
  transaction: Transaction<DB>,
  schedule: Schedule,
): Promise<Outcome> {
  const { id, name, work, isExclusive } = schedule;
  if (work.kind === "task") {
    const isAsked = await requestJob(transaction, {
      name: work.task,
      scheduleId: id,
      options: work.input,
      isExclusive,
    });
    return isAsked
      ? { level: "INFO", message: `asked for ${work.task}`, result: "done" }
      : { level: "WARN", message: `skipped: ${work.task} is not done yet`, result: "skipped" };
  }
  const alive = isExclusive && (await findAlive(transaction, id));
  if (alive)
    return { level: "WARN", message: `skipped: its run ${alive.id} is ${alive.status}`, result: "skipped" };
  try {
    const { actor, input, options } = work;
    const launch = {
      actor,
      input,
      ...options,
      origin: "SCHEDULER",
      scheduleId: id,
      onlyIfDue: true,
    } as const;
    const run = await runs.launch(launch, { transaction });
    return { level: "INFO", message: `launched run ${run.id}`, result: "done", runId: run.id };
  } catch (error) {
    if (error instanceof NothingDueError)
      return { level: "INFO", message: error.message, result: "nothing due" };
    if (!(error instanceof InvalidRunInputError || error instanceof UnknownActorError)) throw error;
    log.warn(`schedule ${name} launched nothing: ${error.message}`);
    return { level: "ERROR", message: `launched nothing: ${error.message}`, result: "failed" };
  }
}

/** What the schedule's row keeps of a firing. */
function stateAfter({ result, message }: Outcome, now: Date) {
  if (result === "skipped") return {};
  if (result === "failed") return failedAt(now, message);
  const isDone = { failing_since: null, failed_at: null, failure: null };
  return result === "nothing due" ? { ...isDone, nothing_due_at: now } : isDone;
}

function failedAt(now: Date, failure: string) {
  return {
    failing_since: sql<Date>`coalesce(failing_since, ${now}::timestamptz)`,
    failed_at: now,
    failure: failure.slice(0, MAX_FAILURE),
  };
}

/** A line of a schedule that says the same every minute is one that is counted. */
async function writeLog(
  transaction: Transaction<DB>,
  id: string,
  { level, message }: Pick<ScheduleLogLine, "level" | "message">,
): Promise<void> {
  const { numUpdatedRows } = await transaction
    .updateTable("schedule_logs")
    .set({ times: sql`times + 1`, at: sql`now()` })
    .where("id", "=", sql<number>`(select max(l.id) from schedule_logs l where l.schedule_id = ${id})`)
    .where("level", "=", level)
    .where("message", "=", message)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows > 0n) return;
  await transaction.insertInto("schedule_logs").values({ schedule_id: id, level, message }).execute();
}

async function findAlive(transaction: Transaction<DB>, id: string) {
  return transaction
    .selectFrom("runs")
    .select(["id", "status"])
    .where("schedule_id", "=", id)
    .where("finished_at", "is", null)
    .orderBy("created_at", "desc")
    .limit(1)
    .executeTakeFirst();
}

/** What to add when further times have passed unused: nobody was there to fire. */
function lateness(schedule: Schedule, now: Date): string {
  const since = schedule.nextFireAt!;
  const isLate = nextFireTimes(schedule, since, 1)[0]! <= now;
  return isLate ? `; it was due since ${since.toISOString()}, and counts for all times since` : "";
}
