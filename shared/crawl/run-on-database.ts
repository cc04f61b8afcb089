import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { dropExpired } from "../db/retention.ts";
import { InvalidInputError } from "../errors.ts";
import { type Job, runJob } from "../maintenance/jobs.ts";
import { steadyNow } from "../steady-clock.ts";
import type { ActorDefinition } from "./define-actor.ts";
import { parseInput } from "./input.ts";
import { readRunItems } from "./postgres/read-run-items.ts";
import { openPostgresRunStorage } from "./postgres/postgres-run-storage.ts";
import { PostgresRecords } from "./postgres/postgres-records.ts";
import { joinRun, leaveRun, newRunId } from "./postgres/runs.ts";
import { SharedBudget } from "./postgres/shared-budget.ts";
import { SharedPace } from "./postgres/shared-pace.ts";
import { SharedTurnstile } from "./postgres/shared-turnstile.ts";
import { openUsageTable } from "./postgres/usage-table.ts";
import type { RunActorResult } from "./run-actor.ts";
import { createQueueFit } from "./queue-fit.ts";
import { type CrawlControls, runCrawl } from "./run-crawl.ts";
import { UnfitQueueError } from "./run-storage.ts";
import { summarize, type RunSummary } from "./summary.ts";

/** Connections of one crawl: claims and commits, what runs beside them, leases. */
const MAX_CONNECTIONS = 3;

export interface DatabaseRunOptions extends CrawlControls {
  /** May be left out where the run has one already, unless `attempt` is given. */
  input?: unknown;
  /** The run to create, to join, or to go on with. @default a new one */
  runId?: string;
  /**
   * Of a run that somebody else manages: the attempt that has it. This is the run's only process then, what it writes
   * counts only while the attempt has the run, and the run's row stays the manager's.
   */
  attempt?: number;
  maxConcurrency?: number;
  config: Config;
  log: Logger;
}

/**
 * Runs an actor on the database. Processes that are given the same run share its crawl: requests, items, and the
 * budgets of what the site counts as one client.
 * @throws {LostRunError} when `attempt` does not have the run, or has lost it
 * @throws {InvalidInputError | StorageError | DatabaseError}
 */
export async function runOnDatabase(
  actor: ActorDefinition,
  options: DatabaseRunOptions,
): Promise<RunActorResult> {
  const { config, log, attempt, runId = newRunId() } = options;
  if (options.input !== undefined) assertInput(actor, config, options.input);
  else if (options.runId === undefined) {
    throw new InvalidInputError("no input: give one with --input, or the run to join with --run");
  }
  const database = await openDatabase(config, {
    max: MAX_CONNECTIONS,
    applicationName: `b9 crawl ${runId}`,
    // A worker's: what the process of a run starts ends with the run.
    waitsForServer: attempt !== undefined,
    log,
  });
  const { pool } = database;
  try {
    await migrate(pool);
    if (attempt !== undefined) {
      const input = assertInput(actor, config, options.input);
      return toResult(
        await crawlRun(actor, { ...options, runId, input, database, goOn: "resurrecting the run" }),
      );
    }
    const raw = await joinRun(pool, { runId, actor: actor.name, input: options.input });
    const input = await assertJoined(pool, { actor, config, runId, raw });
    log.info(`run ${runId}: other processes join it with --run ${runId}`);
    const [summary] = await Promise.all([
      crawlRun(actor, { ...options, runId, input, database, goOn: `--db --run ${runId}` }).catch(
        async (error: Error) => {
          if (error instanceof UnfitQueueError)
            await leaveRun(pool, runId, { status: "FAILED", statusMessage: error.message });
          throw error;
        },
      ),
      removeExpired(database, options),
    ]);
    await leaveRun(pool, runId, summary);
    return toResult(summary);
  } finally {
    await database.close();
  }
}

/** Once a day, beside the crawl: where no server runs, nobody else would. What goes wrong is the next day's. */
async function removeExpired(
  database: Database,
  { config, log }: Pick<DatabaseRunOptions, "config" | "log">,
): Promise<void> {
  const job: Job = {
    name: "storage_retention",
    everySecs: 86_400,
    leaseSecs: 3_600,
    run: async () => {
      await dropExpired(database.pool, config.datasetRetentionDays);
      return null;
    },
  };
  try {
    await runJob({ database, owner: randomUUID(), log }, job);
  } catch (err) {
    log.warn({ err }, "what has expired was not removed");
  }
}

function toResult(summary: RunSummary): RunActorResult {
  return { exitCode: summary.status === "FAILED" ? 1 : 0, summary };
}

/** @returns the input as the actor takes it */
function assertInput(actor: ActorDefinition, config: Config, raw: unknown): unknown {
  const input: unknown = parseInput(actor.input, raw);
  actor.site(config, input);
  return input;
}

/** People who were forgotten are left out of an input; a run without anything else to look at is over. */
async function assertJoined(
  pool: Database["pool"],
  { actor, config, runId, raw }: { actor: ActorDefinition; config: Config; runId: string; raw: unknown },
): Promise<unknown> {
  try {
    return assertInput(actor, config, raw);
  } catch (error) {
    await leaveRun(pool, runId, { status: "FAILED", statusMessage: (error as Error).message });
    throw error;
  }
}

interface Part extends DatabaseRunOptions {
  runId: string;
  input: unknown;
  database: Database;
  goOn: string;
}

async function crawlRun(actor: ActorDefinition, part: Part): Promise<RunSummary> {
  const { config, log, runId, attempt, database, maxConcurrency = config.maxConcurrency } = part;
  const { pool } = database;
  const startedAt = new Date();
  const startedMs = steadyNow();
  const storage = await openPostgresRunStorage({
    ...part,
    leaseSecs: config.leaseSecs,
    fit: createQueueFit(actor),
  });
  const budgets: (SharedBudget | SharedPace | SharedTurnstile)[] = [];
  try {
    const ledger = await openUsageTable({ pool, runId }, (err) =>
      log.error({ err }, "what calls have cost cannot be written down"),
    );
    const { result, stats } = await runCrawl({
      ...part,
      ledger,
      actor,
      storage,
      records: new PostgresRecords(pool, actor.name, attempt === undefined ? null : { runId, attempt }),
      maxConcurrency,
      createBudget(owner, wake) {
        const onError = (err: Error) => log.error({ err }, `the budget of ${owner.name} cannot be asked`);
        const budget = new (owner.isPaced ? SharedPace : SharedBudget)({ pool, owner, wake, onError });
        budgets.push(budget);
        return budget;
      },
      createTurnstile(key, wake) {
        const onError = (err: Error) => log.error({ err }, `the turn of ${key} cannot be asked for`);
        const turnstile = new SharedTurnstile({ pool, key, wake, onError });
        budgets.push(turnstile);
        return turnstile;
      },
    });
    await ledger.close();
    const summary = await summarize(result, stats, {
      actor,
      input: part.input,
      runId,
      startedAt,
      finishedAt: new Date(),
      durationMs: steadyNow() - startedMs,
      items: await storage.itemCounts(),
      read: (dataset) => readRunItems(pool, runId, dataset),
    });
    await storage.setRecord("OUTPUT", summary);
    return summary;
  } finally {
    await Promise.all(budgets.map((budget) => budget.close()));
    await storage.close();
  }
}
