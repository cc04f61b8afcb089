import { z } from "zod";
import { parseBoundedJson } from "../../../shared/bounded-json.ts";
import { newRunId } from "../../../shared/crawl/postgres/runs.ts";
import { findActor } from "../../../shared/runs/actors.ts";
import { nextFireTimes } from "../../../shared/schedules/cron.ts";
import type { Schedule, ScheduledWork, ScheduleSettings } from "../../../shared/schedules/schedule.ts";
import { date, USER } from "./wire.ts";

const SHOWN_TIMES = 5;

/** JSON in a text, as Apify has it; nothing at all is an input without fields. */
const JsonText = z.string().refine((text) => text === "" || isJson(text), { error: "JSON in a text" });

const RunInput = z.object({
  body: JsonText,
  contentType: z
    .string()
    .regex(/^application\/json\b/, { error: "application/json" })
    .default("application/json"),
});

const RunOptions = z.object({
  build: z.string().optional(),
  timeoutSecs: z.int().min(0).optional(),
  memoryMbytes: z.int().min(128).max(65_536).optional(),
  maxItems: z.int().min(1).optional(),
  maxTotalChargeUsd: z.number().positive().optional(),
  restartOnError: z.boolean().optional(),
});

const RunActor = z.object({
  id: z.string().optional(),
  type: z.literal("RUN_ACTOR"),
  actorId: z.string(),
  runInput: RunInput.nullish(),
  runOptions: RunOptions.nullish(),
});

const RunMaintenance = z.object({
  id: z.string().optional(),
  type: z.literal("RUN_MAINTENANCE"),
  task: z.string(),
  input: z.record(z.string(), z.unknown()).default({}),
});

const Action = z.discriminatedUnion("type", [RunActor, RunMaintenance]);

/** A schedule begins one thing: several are several schedules. */
const Actions = z.array(Action).length(1, { error: "one action; make a schedule for each" });

export const ScheduleUpdate = z.object({
  name: z.string().optional(),
  title: z.string().max(200).nullable().optional(),
  description: z.string().max(2000).optional(),
  cronExpression: z.string().max(200).optional(),
  timezone: z.string().max(100).optional(),
  isEnabled: z.boolean().optional(),
  isExclusive: z.boolean().optional(),
  actions: Actions.optional(),
});

/** A schedule that says nothing else is off, in UTC, and leaves out the times at which its last run is alive. */
export const ScheduleCreation = ScheduleUpdate.extend({
  name: z.string().default(() => `schedule-${newRunId()}`),
  title: z.string().max(200).nullable().default(null),
  description: z.string().max(2000).default(""),
  cronExpression: z.string().max(200),
  timezone: z.string().max(100).default("UTC"),
  isEnabled: z.boolean().default(false),
  isExclusive: z.boolean().default(true),
  actions: Actions,
});

export const ScheduleObject = z.object({
  id: z.string(),
  userId: z.string(),
  name: z.string(),
  title: z.string().nullable(),
  description: z.string(),
  cronExpression: z.string(),
  timezone: z.string(),
  isEnabled: z.boolean(),
  isExclusive: z.boolean(),
  createdAt: date,
  modifiedAt: date,
  nextRunAt: date.nullable().describe("null while it is off"),
  nextRunsAt: z.array(date).describe("The next five times; those that it would have while it is off"),
  lastRunAt: date.nullable().describe("When it fired last"),
  lastRunId: z.string().nullable().describe("The run that it launched last"),
  scraper: z.string().nullable().describe("The continuous scraper that it drives"),
  isShipped: z.boolean().describe("It came with the program and cannot be removed"),
  notifications: z.object({ email: z.literal(false) }),
  actions: z.array(Action),
});

export function toScheduleObject(schedule: Schedule, now: Date): z.infer<typeof ScheduleObject> {
  const { id, name, title, description, cron, timezone, isEnabled, isExclusive } = schedule;
  return {
    id,
    userId: USER.id,
    name,
    title,
    description,
    cronExpression: cron,
    timezone,
    isEnabled,
    isExclusive,
    createdAt: schedule.createdAt,
    modifiedAt: schedule.modifiedAt,
    nextRunAt: schedule.nextFireAt,
    nextRunsAt: nextFireTimes(schedule, now, SHOWN_TIMES),
    lastRunAt: schedule.lastFiredAt,
    lastRunId: schedule.lastRunId,
    scraper: schedule.scraper,
    isShipped: schedule.shipped !== null,
    notifications: { email: false },
    actions: [toAction(schedule)],
  };
}

function toAction({ id, work }: Schedule): z.infer<typeof Action> {
  // The columns are JSON.
  if (work.kind === "task") return { id, type: "RUN_MAINTENANCE", task: work.task, input: work.input as {} };
  const { maxCostUsd, ...options } = work.options;
  return {
    id,
    type: "RUN_ACTOR",
    actorId: work.actor,
    runInput: { body: JSON.stringify(work.input), contentType: "application/json; charset=utf-8" },
    runOptions: {
      build: "latest",
      ...options,
      ...(maxCostUsd !== undefined && { maxTotalChargeUsd: maxCostUsd }),
    },
  };
}

/** What `body` says of the settings. */
export function toSettings(body: z.infer<typeof ScheduleCreation>): ScheduleSettings;
export function toSettings(body: z.infer<typeof ScheduleUpdate>): Partial<ScheduleSettings>;
export function toSettings({ cronExpression, actions, ...settings }: z.infer<typeof ScheduleUpdate>) {
  return {
    ...settings,
    ...(cronExpression !== undefined && { cron: cronExpression }),
    ...(actions && { work: toWork(actions[0]!) }),
  };
}

function toWork(action: z.infer<typeof Action>): ScheduledWork {
  if (action.type === "RUN_MAINTENANCE") return { kind: "task", task: action.task, input: action.input };
  const { actorId, runInput, runOptions } = action;
  const { build: _, maxTotalChargeUsd, ...options } = runOptions ?? {};
  return {
    kind: "run",
    actor: findActor(actorId)?.name ?? actorId,
    input: runInput ? parseBoundedJson(Buffer.from(runInput.body || "{}")) : {},
    options: { ...options, ...(maxTotalChargeUsd !== undefined && { maxCostUsd: maxTotalChargeUsd }) },
  };
}

function isJson(text: string): boolean {
  try {
    parseBoundedJson(Buffer.from(text));
    return true;
  } catch {
    return false;
  }
}
