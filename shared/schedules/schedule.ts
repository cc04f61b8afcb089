import type { Selectable } from "kysely";
import type { Schedules } from "../db/tables.ts";

/** What an operator decides about a schedule. */
export interface ScheduleSettings {
  /** Unique: letters, digits, `_` and `-`. */
  name: string;
  title: string | null;
  description: string;
  work: ScheduledWork;
  /** Five fields, or `@daily` and the like. */
  cron: string;
  /** IANA name. */
  timezone: string;
  isEnabled: boolean;
  /** It does nothing while what it began last is still going on. */
  isExclusive: boolean;
}

/** Runs of an actor, or a task of maintenance. */
export type ScheduledWork =
  | { kind: "run"; actor: string; input: unknown; options: ScheduledRunOptions }
  | { kind: "task"; task: string; input: unknown };

export interface ScheduledRunOptions {
  timeoutSecs?: number | undefined;
  memoryMbytes?: number | undefined;
  maxItems?: number | undefined;
  maxCostUsd?: number | undefined;
  restartOnError?: boolean | undefined;
}

export interface Schedule extends ScheduleSettings {
  id: string;
  /** Name of the continuous scraper that it drives. */
  scraper: string | null;
  /** It came with the program; the name that it had then. */
  shipped: string | null;
  createdAt: Date;
  modifiedAt: Date;
  /** Since when it is on, or off. */
  switchedAt: Date;
  /** `null` while it is off. */
  nextFireAt: Date | null;
  lastFiredAt: Date | null;
  /** The run that it launched last. */
  lastRunId: string | null;
  /** Since when every firing has launched nothing for an error, and the last of them; `null` when the last one went well. */
  failure: { since: Date; at: Date; message: string } | null;
}

export interface ScheduleLogLine {
  at: Date;
  level: "INFO" | "WARN" | "ERROR";
  message: string;
}

export function toSchedule(row: Selectable<Schedules>): Schedule {
  return {
    id: row.id,
    name: row.name,
    title: row.title,
    description: row.description,
    work: toWork(row),
    cron: row.cron,
    timezone: row.timezone,
    isEnabled: row.is_enabled,
    isExclusive: row.is_exclusive,
    scraper: row.scraper,
    shipped: row.shipped,
    createdAt: row.created_at,
    modifiedAt: row.modified_at,
    switchedAt: row.switched_at,
    nextFireAt: row.next_fire_at,
    lastFiredAt: row.last_fired_at,
    lastRunId: row.last_run_id,
    failure: row.failing_since && {
      since: row.failing_since,
      // Written together.
      at: row.failed_at!,
      message: row.failure!,
    },
  };
}

function toWork({ actor, task, input, options }: Selectable<Schedules>): ScheduledWork {
  if (actor === null) return { kind: "task", task: task!, input };
  // Only toColumns() writes it.
  return { kind: "run", actor, input, options: options as ScheduledRunOptions };
}

/** The columns that settings make up. */
export function toColumns({ work, isEnabled, isExclusive, ...settings }: ScheduleSettings) {
  return {
    ...settings,
    actor: work.kind === "run" ? work.actor : null,
    task: work.kind === "task" ? work.task : null,
    input: JSON.stringify(work.input),
    options: JSON.stringify(work.kind === "run" ? work.options : {}),
    is_enabled: isEnabled,
    is_exclusive: isExclusive,
  };
}
