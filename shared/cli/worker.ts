import os from "node:os";
import { defineCommand } from "citty";
import { readConfig } from "../config.ts";
import { openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { InvalidInputError } from "../errors.ts";
import { createLogger } from "../log.ts";
import { startMaintenance } from "../maintenance/maintenance.ts";
import { openRuns } from "../runs/runs.ts";
import { startWorker, type Worker } from "../runs/worker.ts";
import { assertStorageDir } from "../storage-dir.ts";
import { untilSignal } from "./until-signal.ts";

/** Claims, heartbeats, logs, what ends runs, and maintenance: each is short. */
const MAX_CONNECTIONS = 5;

export const worker = defineCommand({
  meta: {
    name: "worker",
    description: "Carry out runs, WORKERS at a time; SIGTERM hands them to other workers",
  },
  args: {
    name: { type: "string", description: "unlike other workers' names; default: host and process" },
  },
  async run({ args }) {
    const config = readConfig();
    if (config.workers === 0) throw new InvalidInputError("WORKERS: expected 1 or more for a worker, got 0");
    const log = createLogger({ level: config.logLevel });
    const name = args.name ?? `${os.hostname()}/${process.pid}`;
    let running: Worker | null = null;
    // From here on: a signal while all of this starts ends it properly as soon as it has, Postgres included.
    const stopped = untilSignal(() => {
      running?.kill();
      process.exit(1);
    });
    void stopped.then(() => log.info("runs are handed back; once more to end at once"));
    await assertStorageDir(config.storageDir);
    const database = await openDatabase(config, {
      max: MAX_CONNECTIONS,
      applicationName: `b9 worker ${name}`,
      log,
    });
    await migrate(database.pool);
    const runs = await openRuns({ database, config, log });
    const parts = { database, runs, config, log, name };
    const maintenance = await startMaintenance({ ...parts, kind: "worker" });
    const { workers: slots, workerClasses: classes } = config;
    running = await startWorker({ ...parts, slots, classes });
    log.info(`worker ${name} takes ${slots} runs at a time: ${classes.join(", ")}`);
    await stopped;
    await Promise.all([running.drain(), maintenance.stop()]);
    await runs.close();
    await database.close();
  },
});
