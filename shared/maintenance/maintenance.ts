import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { alertJob } from "../alerts/evaluate.ts";
import type { Config } from "../config.ts";
import type { Database } from "../db/database.ts";
import { readNow } from "../db/clock.ts";
import { isPassing } from "../db/retry.ts";
import { makeFolder } from "../make-folder.ts";
import { repeat } from "../runs/repeat.ts";
import type { Runs } from "../runs/runs.ts";
import { fireDueSchedules } from "../schedules/fire.ts";
import { bringShippedSchedules } from "../schedules/shipped.ts";
import { deliveryJob } from "../webhooks/deliver.ts";
import { type Job, runJob } from "./jobs.ts";
import { identifyProcess, type ProcessIdentity, tellAlive, tellGone } from "./processes.ts";
import { findTask, taskNames } from "./tasks.ts";

export interface MaintenanceOptions {
  database: Database;
  runs: Runs;
  config: Config;
  log: Logger;
  kind: ProcessIdentity["kind"];
  /** Of the server or worker, for operators. */
  name: string;
}

export interface Maintenance {
  /** Lets what is being fired and done finish, up to 5 s; what takes longer is done again by another process. */
  stop(): Promise<void>;
}

/** Schedules fire no later than this after their time; jobs that were asked for begin no later than a few times it. */
const TICK_MS = 1_000;
const JOBS_MS = 3_000;
const HEARTBEAT_MS = 15_000;
const STOP_MS = 5_000;

/**
 * Fires schedules, evaluates alerts, delivers webhooks and tidies up, beside all other servers and workers that do so:
 * each thing is done by one of them. The tables are there.
 * @throws {InvalidInputError} when the settings of webhooks do not fit together
 */
export async function startMaintenance(options: MaintenanceOptions): Promise<Maintenance> {
  const { database, config, log, kind, name } = options;
  const self = identifyProcess(kind, name);
  const stopping = new AbortController();
  const jobs = createJobs(options, stopping.signal);
  await makeFolder(config.storageDir);
  await tellAlive(database, self, config.storageDir);
  const brought = await bringShippedSchedules(database, await readNow(database.pool));
  if (brought.length > 0) log.info(`new schedules: ${brought.join(", ")}`);

  let isAway = false;
  const again = (everyMs: number, work: () => Promise<unknown>) =>
    repeat(
      everyMs,
      async () => {
        await work();
        isAway = false;
      },
      (err) => {
        if (!isPassing(err)) return log.error({ err }, "maintenance failed, it is tried again");
        // Said once: whoever else needs the database says it as well.
        if (!isAway) log.warn({ err }, "maintenance waits for the database");
        isAway = true;
      },
    );
  const stops = [
    again(TICK_MS, async () => fireDueSchedules(options, await readNow(database.pool))),
    again(HEARTBEAT_MS, () => tellAlive(database, self, config.storageDir)),
    ...jobs.map((job) => again(JOBS_MS, () => runJob({ database, owner: self.id, log }, job))),
  ];
  return {
    async stop() {
      stopping.abort();
      const stopped = Promise.all(stops.map((stop) => stop()));
      await Promise.race([stopped, sleep(STOP_MS, undefined, { ref: false })]);
      await tellGone(database, self).catch((err: Error) => {
        // It will be seen to be gone by its silence.
        if (!isPassing(err)) throw err;
      });
    },
  };
}

function createJobs({ database, config, log }: MaintenanceOptions, signal: AbortSignal): Job[] {
  const tasks = taskNames().map((name): Job => {
    const { leaseSecs, run } = findTask(name)!;
    return { name, everySecs: null, leaseSecs, run: (input) => run({ database, config, log }, input) };
  });
  return [...tasks, alertJob({ database, config, log }), deliveryJob({ database, config, signal })];
}
