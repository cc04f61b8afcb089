import { pino } from "pino";
import { readConfig } from "../../shared/config.ts";
import { openDatabase } from "../../shared/db/database.ts";
import { loadActorManifests } from "../../shared/runs/actors.ts";
import { openRuns } from "../../shared/runs/runs.ts";
import { startWorker } from "../../shared/runs/worker.ts";
import { RUN_ACTORS } from "./runs-site.ts";

// A worker with the actors of the tests; `b9 worker` otherwise. Its settings are its environment.
const [, , name = ""] = process.argv;
const config = readConfig(process.env, "no .env file");
const log = pino({ level: config.logLevel }, pino.destination(2));
const database = await openDatabase(config, { applicationName: name, max: 4, log });
const runs = await openRuns({ database, config, log, actors: loadActorManifests(RUN_ACTORS) });
const worker = await startWorker({
  database,
  runs,
  config,
  log,
  name,
  slots: config.workers,
  classes: config.workerClasses,
});
process.once("SIGTERM", async () => {
  await worker.drain();
  await runs.close();
  await database.close();
});
process.stdout.write("ready\n");
