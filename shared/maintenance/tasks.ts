import type { Logger } from "pino";
import { z } from "zod";
import type { Config } from "../config.ts";
import type { Database } from "../db/database.ts";
import { dropExpired, dropOldLogs, LOG_RETENTION_DAYS } from "../db/retention.ts";
import { watchMemory } from "./memory.ts";

export interface TaskServices {
  database: Database;
  config: Pick<Config, "datasetRetentionDays" | "alertMemoryMbytes">;
  log: Logger;
}

/** What a schedule can ask of maintenance. */
export interface Task<Input = unknown> {
  input: z.ZodType<Input>;
  /** How long another process waits before it takes the task for abandoned. */
  leaseSecs: number;
  /** @returns what was done, one line */
  run(services: TaskServices, input: Input): Promise<string>;
}

const days = z.int().min(1).max(3650);

const TASKS = {
  cleanup_logs: task({
    input: z.strictObject({ days: days.default(LOG_RETENTION_DAYS) }),
    leaseSecs: 3600,
    async run({ database }, input) {
      const dropped = await dropOldLogs(database.pool, input.days);
      return `removed ${dropped} days of logs that were older than ${input.days} days`;
    },
  }),
  storage_retention: task({
    input: z.strictObject({ days: days.optional() }),
    leaseSecs: 3600,
    async run({ database, config }, input) {
      const kept = input.days ?? config.datasetRetentionDays;
      await dropExpired(database.pool, kept);
      return `removed items, requests, records and logs of runs that were older than ${kept} days`;
    },
  }),
  memory_monitor: task({ input: z.strictObject({}), leaseSecs: 60, run: watchMemory }),
};

export function findTask(name: string): Task | undefined {
  return Object.hasOwn(TASKS, name) ? TASKS[name as keyof typeof TASKS] : undefined;
}

export function taskNames(): string[] {
  return Object.keys(TASKS);
}

/** Its input is parsed before it runs, whoever asks. */
function task<Input>({ input, leaseSecs, run }: Task<Input>): Task {
  return { input, leaseSecs, run: (services, raw) => run(services, input.parse(raw)) };
}
