import os from "node:os";
import { startServer } from "../../server/main.ts";
import type { Config } from "../config.ts";
import { openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { createLogger } from "../log.ts";
import { startMaintenance } from "../maintenance/maintenance.ts";
import { openRuns } from "../runs/runs.ts";
import { startWorker, type Worker } from "../runs/worker.ts";
import { assertStorageDir } from "../storage-dir.ts";
import { untilSignal } from "./until-signal.ts";

/**
 * Serves the API until a signal ends it, with maintenance and, unless WORKERS is 0, a worker inside, whose runs are
 * handed back at the end.
 * @param onServing once, when it takes requests
 */
export async function serve(config: Config, onServing: (url: string) => void = () => {}): Promise<void> {
  const log = createLogger({ level: config.logLevel });
  let worker: Worker | null = null;
  const name = `${os.hostname()}/${process.pid}`;
  // From here on: a signal while all of this starts ends it properly as soon as it has, Postgres included.
  const stopped = untilSignal(() => {
    worker?.kill();
    process.exit(1);
  });
  void stopped.then(() =>
    log.info("stopping: requests finish, runs are handed back; once more to end at once"),
  );
  // What was opened is closed, also when the next thing cannot be: an open one would keep the process.
  await using opened = new AsyncDisposableStack();
  await assertStorageDir(config.storageDir);
  const database = await openDatabase(config, { applicationName: `b9 server ${name}`, log });
  opened.defer(() => database.close());
  await migrate(database.pool);
  const runs = await openRuns({ database, config, log });
  opened.defer(() => runs.close());
  const parts = { config, log, database, runs };
  const serving = await startServer(parts);
  opened.defer(() => serving.close());
  const maintenance = await startMaintenance({ ...parts, kind: "server", name });
  opened.defer(() => maintenance.stop());
  const { workers: slots, workerClasses: classes } = config;
  worker = slots > 0 ? await startWorker({ ...parts, name, slots, classes }) : null;
  onServing(serving.url);
  await stopped;
  await Promise.all([serving.close(), maintenance.stop(), worker?.drain()]);
}
