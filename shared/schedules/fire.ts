import type { Transaction } from "kysely";
import type { Logger } from "pino";
import type { Database } from "../db/database.ts";
import type { DB } from "../db/tables.ts";
import { requestJob } from "../maintenance/jobs.ts";
import { InvalidRunInputError, UnknownActorError } from "../runs/run.ts";
import type { Runs } from "../runs/runs.ts";
import { nextFireTimes } from "./cron.ts";
import { type Schedule, type ScheduleLogLine, toSchedule } from "./schedule.ts";
import { nextFireAt } from "./schedules.ts";

export interface FireServices {
  database: Pick<Database, "kysely">;
  runs: Pick<Runs, "launch">;
  log: Pick<Logger, "warn" | "error">;
}

type Outcome = Omit<ScheduleLogLine, "at"> & { runId?: string };

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
    await transaction
      .insertInto("schedule_logs")
      .values({ schedule_id: id, level: outcome.level, message: outcome.message + lateness(schedule, now) })
      .execute();
    await transaction
      .updateTable("schedules")
      .set({ last_fired_at: now, next_fire_at: nextFireAt(schedule, now) })
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
      ? { level: "INFO", message: `asked for ${work.task}` }
      : { level: "WARN", message: `skipped: ${work.task} is not done yet` };
  }
  const alive = isExclusive && (await findAlive(transaction, id));
  if (alive) return { level: "WARN", message: `skipped: its run ${alive.id} is ${alive.status}` };
  try {
    const { actor, input, options } = work;
    const launch = { actor, input, ...options, origin: "SCHEDULER", scheduleId: id } as const;
    const run = await runs.launch(launch, { transaction });
    return { level: "INFO", message: `launched run ${run.id}`, runId: run.id };
  } catch (error) {
    if (!(error instanceof InvalidRunInputError || error instanceof UnknownActorError)) throw error;
    log.warn(`schedule ${name} launched nothing: ${error.message}`);
    return { level: "ERROR", message: `launched nothing: ${error.message}` };
  }
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
