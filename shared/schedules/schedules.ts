import { type Transaction, sql } from "kysely";
import { newRunId } from "../crawl/postgres/runs.ts";
import type { Database } from "../db/database.ts";
import type { DB } from "../db/tables.ts";
import { assertRecurrence, nextFireTimes } from "./cron.ts";
import { InvalidScheduleError, ScheduleNameTakenError, ShippedScheduleError } from "./errors.ts";
import {
  type Schedule,
  type ScheduleLogLine,
  type ScheduleSettings,
  toColumns,
  toSchedule,
} from "./schedule.ts";
import { assertWork, type InputChecker } from "./work.ts";

/** Lines of a schedule's log that are read at once, as with Apify. */
const MAX_LOG_LINES = 1000;
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/;

export interface ScheduleServices {
  database: Pick<Database, "kysely">;
  /** Tells whether an actor takes an input. */
  runs: InputChecker;
}

/** @throws {InvalidScheduleError | ScheduleNameTakenError} */
export async function createSchedule(
  { database, runs }: ScheduleServices,
  settings: ScheduleSettings,
  now: Date,
): Promise<Schedule> {
  assertSettings(settings);
  await assertWork(settings.work, runs);
  return withFreeName(settings.name, async () => {
    const row = await database.kysely
      .insertInto("schedules")
      .values({ id: newRunId(), ...toColumns(settings), next_fire_at: nextFireAt(settings, now) })
      .returningAll()
      .executeTakeFirstOrThrow();
    return toSchedule(row);
  });
}

/** By its id or name; `undefined` when there is none. */
export async function findSchedule(
  { kysely }: Pick<Database, "kysely">,
  idOrName: string,
): Promise<Schedule | undefined> {
  const row = await kysely.selectFrom("schedules").selectAll().where(isCalled(idOrName)).executeTakeFirst();
  return row && toSchedule(row);
}

/** In the order of their creation. */
export async function listSchedules(
  { kysely }: Pick<Database, "kysely">,
  { limit, offset, desc }: { limit: number; offset: number; desc: boolean },
): Promise<{ items: Schedule[]; total: number }> {
  const direction = desc ? "desc" : "asc";
  const rows = await kysely
    .selectFrom("schedules")
    .selectAll()
    .orderBy("created_at", direction)
    .orderBy("id", direction)
    .limit(limit)
    .offset(offset)
    .execute();
  const { total } = await kysely
    .selectFrom("schedules")
    .select(sql<number>`count(*)`.as("total"))
    .executeTakeFirstOrThrow();
  return { items: rows.map(toSchedule), total };
}

/**
 * Changes what `changes` names. Another recurrence counts from `now`, and so does a schedule that is switched on.
 * @returns `undefined` when there is no such schedule
 * @throws {InvalidScheduleError | ScheduleNameTakenError}
 */
export async function updateSchedule(
  { database, runs }: ScheduleServices,
  idOrName: string,
  changes: Partial<ScheduleSettings>,
  now: Date,
): Promise<Schedule | undefined> {
  return withFreeName(changes.name, () =>
    database.kysely.transaction().execute(async (transaction) => {
      const old = await lockSchedule(transaction, idOrName);
      if (!old) return undefined;
      const settings: ScheduleSettings = { ...pickSettings(old), ...changes };
      assertSettings(settings);
      // Switching off must always be possible, whatever has become of the actor.
      if (changes.work || (settings.isEnabled && !old.isEnabled)) await assertWork(settings.work, runs);
      const isNewTime =
        settings.cron !== old.cron ||
        settings.timezone !== old.timezone ||
        settings.isEnabled !== old.isEnabled;
      const row = await transaction
        .updateTable("schedules")
        .set({ ...toColumns(settings), modified_at: sql`now()` })
        .$if(isNewTime, (query) => query.set({ next_fire_at: nextFireAt(settings, now) }))
        .$if(settings.isEnabled !== old.isEnabled, (query) => query.set({ switched_at: sql`now()` }))
        .where("id", "=", old.id)
        .returningAll()
        .executeTakeFirstOrThrow();
      return toSchedule(row);
    }),
  );
}

/**
 * False when there is no such schedule. Its runs stay.
 * @throws {ShippedScheduleError} for one that the next start would bring again
 */
export async function removeSchedule(
  { kysely }: Pick<Database, "kysely">,
  idOrName: string,
): Promise<boolean> {
  return kysely.transaction().execute(async (transaction) => {
    const schedule = await lockSchedule(transaction, idOrName);
    if (schedule?.shipped)
      throw new ShippedScheduleError(
        `${schedule.name} came with the program: switch it off with isEnabled false`,
      );
    if (schedule) await transaction.deleteFrom("schedules").where("id", "=", schedule.id).execute();
    return schedule !== undefined;
  });
}

/** The last lines, oldest first; `undefined` when there is no such schedule. */
export async function readScheduleLog(
  database: Pick<Database, "kysely">,
  idOrName: string,
): Promise<ScheduleLogLine[] | undefined> {
  const schedule = await findSchedule(database, idOrName);
  if (!schedule) return undefined;
  const rows = await database.kysely
    .selectFrom("schedule_logs")
    .select(["at", "level", "message", "times", "since"])
    .where("schedule_id", "=", schedule.id)
    .orderBy("id", "desc")
    .limit(MAX_LOG_LINES)
    .execute();
  return rows.toReversed().map(({ at, level, message, times, since }) => ({
    at,
    // The table's check allows no other level.
    level: level as ScheduleLogLine["level"],
    message: times > 1 ? `${message}; ${times} times since ${since.toISOString()}` : message,
  }));
}

/** When it fires next; `null` while it is off. */
export function nextFireAt(
  settings: Pick<ScheduleSettings, "cron" | "timezone" | "isEnabled">,
  now: Date,
): Date | null {
  return settings.isEnabled ? nextFireTimes(settings, now, 1)[0]! : null;
}

async function lockSchedule(transaction: Transaction<DB>, idOrName: string): Promise<Schedule | undefined> {
  const row = await transaction
    .selectFrom("schedules")
    .selectAll()
    .where(isCalled(idOrName))
    .forUpdate()
    .executeTakeFirst();
  return row && toSchedule(row);
}

function assertSettings(settings: ScheduleSettings): void {
  if (!NAME.test(settings.name))
    throw new InvalidScheduleError(
      "name",
      `expected 1 to 63 letters, digits, _ and -, got ${JSON.stringify(settings.name)}`,
    );
  assertRecurrence(settings);
}

function pickSettings({
  name,
  title,
  description,
  work,
  cron,
  timezone,
  isEnabled,
  isExclusive,
}: Schedule): ScheduleSettings {
  return { name, title, description, work, cron, timezone, isEnabled, isExclusive };
}

/** An id wins over a name that happens to be the same: ids are not chosen. */
function isCalled(idOrName: string) {
  return sql<boolean>`id = coalesce((select s.id from schedules s where s.id = ${idOrName}),
    (select s.id from schedules s where s.name = ${idOrName}))`;
}

async function withFreeName<Result>(name: string | undefined, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if ((error as { constraint?: string }).constraint !== "schedules_name_key") throw error;
    throw new ScheduleNameTakenError(`name: another schedule is called ${JSON.stringify(name)}`, {
      cause: error,
    });
  }
}
