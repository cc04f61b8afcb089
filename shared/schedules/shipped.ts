import type { Database } from "../db/database.ts";
import { LOG_RETENTION_DAYS } from "../db/retention.ts";
import { newRunId } from "../crawl/postgres/runs.ts";
import { findActor } from "../runs/actors.ts";
import { type ScheduleSettings, toColumns } from "./schedule.ts";
import { nextFireAt } from "./schedules.ts";

interface ShippedSchedule extends ScheduleSettings {
  /** The continuous scraper that it drives. */
  scraper: string | null;
}

/**
 * Schedules that come with the program. Those of scrapers are off until an operator starts the scraper: they call
 * sites under the operator's credentials, and cost money. Those of maintenance are on: they only tidy up at home.
 */
const SHIPPED: readonly ShippedSchedule[] = [
  scraperSchedule({ scraper: "reddit", cron: "* * * * *", due: 100 }),
  scraperSchedule({ scraper: "instagram", cron: "*/5 * * * *", due: 50 }),
  maintenanceSchedule("cleanup_logs", "0 0 * * *", "Removes old logs, alerts and messages", {
    days: LOG_RETENTION_DAYS,
  }),
  maintenanceSchedule("storage_retention", "30 0 * * *", "Removes what old runs have left behind"),
  maintenanceSchedule(
    "memory_monitor",
    "*/5 * * * *",
    "Writes down what servers, workers and runs hold in memory",
  ),
];

/**
 * Brings the schedules that are not there yet, those of actors only where the actor is. Those that are there stay as
 * they are: they belong to the operator.
 * @returns the names of those that are new
 */
export async function bringShippedSchedules(
  { kysely }: Pick<Database, "kysely">,
  now: Date,
): Promise<string[]> {
  const rows = SHIPPED.filter(({ work }) => work.kind === "task" || findActor(work.actor)).map(
    (schedule) => ({
      id: newRunId(),
      ...toColumns(schedule),
      shipped: schedule.name,
      next_fire_at: nextFireAt(schedule, now),
    }),
  );
  const created = await kysely
    .insertInto("schedules")
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .returning("name")
    .execute();
  return created.map(({ name }) => name);
}

function scraperSchedule({
  scraper,
  cron,
  due,
}: {
  scraper: string;
  cron: string;
  due: number;
}): ShippedSchedule {
  return {
    name: `${scraper}_continuous`,
    title: null,
    description: `Refreshes what is due, ${due} at a time`,
    work: { kind: "run", actor: scraper, input: { due }, options: {} },
    cron,
    timezone: "UTC",
    isEnabled: false,
    isExclusive: true,
    scraper,
  };
}

function maintenanceSchedule(
  task: string,
  cron: string,
  description: string,
  input: object = {},
): ShippedSchedule {
  return {
    name: task,
    title: null,
    description,
    work: { kind: "task", task, input },
    cron,
    timezone: "UTC",
    isEnabled: true,
    isExclusive: true,
    scraper: null,
  };
}
