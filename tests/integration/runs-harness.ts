import { pino } from "pino";
import { onTestFinished } from "vitest";
import { readConfig, type Config } from "../../shared/config.ts";
import { type Database, openDatabase } from "../../shared/db/database.ts";
import { withRetry } from "../../shared/db/retry.ts";
import { loadActorManifests } from "../../shared/runs/actors.ts";
import { type LaunchOptions, openRuns, type Runs } from "../../shared/runs/runs.ts";
import { isFinal, type Run, type RunStatus } from "../../shared/runs/run.ts";
import { startWorker, type Worker } from "../../shared/runs/worker.ts";
import type { TestCluster } from "./db-cluster.ts";
import { type PagesSite, RUN_ACTORS, startPagesSite } from "./runs-site.ts";

/** A database of its own with runs open, and a site that the actor `pages` crawls. */
export interface RunsHarness {
  database: Database;
  config: Config;
  runs: Runs;
  site: PagesSite;
  /** Ends with the test. */
  startWorker(name: string, options?: { slots?: number; config?: Partial<Config> }): Promise<Worker>;
  /** `input` beside the site: 10 pages unless it says otherwise. */
  launch(input?: object, options?: Partial<LaunchOptions>): Promise<Run>;
  /** The run once it has one of these states. */
  until(id: string, ...statuses: RunStatus[]): Promise<Run>;
  close(): Promise<void>;
}

export async function openRunsHarness(
  cluster: TestCluster,
  env: Record<string, string> = {},
): Promise<RunsHarness> {
  const { databaseUrl } = await cluster.createMigratedConfig();
  const config = readConfig({ DATABASE_URL: databaseUrl!, ...env }, "no .env file");
  const log = pino({ level: "silent" });
  const database = await openDatabase(config, { applicationName: "tests", max: 5, log });
  const runs = await openRuns({ database, config, log, actors: loadActorManifests(RUN_ACTORS) });
  const site = await startPagesSite();
  return {
    database,
    config,
    runs,
    site,
    async startWorker(name, { slots = 2, config: settings = {} } = {}) {
      const worker = await startWorker({
        database,
        runs,
        config: { ...config, ...settings },
        log,
        name,
        slots,
        classes: ["http"],
      });
      onTestFinished(() => worker.kill());
      return worker;
    },
    launch: (input = {}, options = {}) =>
      runs.launch({
        actor: "pages",
        origin: "API",
        input: { origin: site.origin, pages: 10, ...input },
        ...options,
      }),
    async until(id, ...statuses) {
      for (const until = Date.now() + 60_000; Date.now() < until;) {
        const run = await withRetry(() => runs.get(id));
        if (run && statuses.includes(run.status)) return run;
        if (run && isFinal(run.status)) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const { status, statusMessage } = (await runs.get(id))!;
      throw new Error(`run ${id} is ${status}: ${statusMessage}; expected ${statuses.join(" or ")}`);
    },
    async close() {
      site.close();
      await runs.close();
      await database.close();
    },
  };
}
