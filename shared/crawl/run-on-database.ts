import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { InvalidInputError } from "../errors.ts";
import type { ActorDefinition } from "./define-actor.ts";
import { parseInput } from "./input.ts";
import { readRunItems } from "./postgres/read-run-items.ts";
import { openPostgresRunStorage } from "./postgres/postgres-run-storage.ts";
import { PostgresRecords } from "./postgres/postgres-records.ts";
import { joinRun, leaveRun, newRunId } from "./postgres/runs.ts";
import { SharedBudget } from "./postgres/shared-budget.ts";
import type { RunActorResult } from "./run-actor.ts";
import { runCrawl } from "./run-crawl.ts";
import { summarize, type RunSummary } from "./summary.ts";

/** Connections of one crawl: claims and commits, what runs beside them, leases. */
const MAX_CONNECTIONS = 3;

export interface DatabaseRunOptions {
  /** May be left out where the run has one already. */
  input?: unknown;
  /** The run to create, to join, or to go on with. @default a new one */
  runId?: string;
  maxConcurrency?: number;
  config: Config;
  log: Logger;
}

/**
 * Runs an actor on the database. Processes that are given the same run share its crawl: requests, items, and the
 * budgets of what the site counts as one client.
 */
export async function runOnDatabase(
  actor: ActorDefinition,
  options: DatabaseRunOptions,
): Promise<RunActorResult> {
  const { config, log, runId = newRunId() } = options;
  if (options.input !== undefined) assertInput(actor, config, options.input);
  else if (options.runId === undefined) {
    throw new InvalidInputError("no input: give one with --input, or the run to join with --run");
  }
  const database = await openDatabase(config, {
    max: MAX_CONNECTIONS,
    applicationName: `b9 crawl ${runId}`,
    log,
  });
  const { pool } = database;
  try {
    await migrate(pool);
    const raw = await joinRun(pool, { runId, actor: actor.name, input: options.input });
    const input = assertInput(actor, config, raw);
    log.info(`run ${runId}: other processes join it with --run ${runId}`);
    const summary = await crawlRun(actor, { ...options, runId, input, database });
    await leaveRun(pool, runId, summary);
    return { exitCode: summary.status === "FAILED" ? 1 : 0, summary };
  } finally {
    await database.close();
  }
}

/** @returns the input as the actor takes it */
function assertInput(actor: ActorDefinition, config: Config, raw: unknown): unknown {
  const input: unknown = parseInput(actor.input, raw);
  actor.site(config, input);
  return input;
}

type Part = Omit<DatabaseRunOptions, "runId"> & { runId: string; input: unknown; database: Database };

async function crawlRun(actor: ActorDefinition, part: Part): Promise<RunSummary> {
  const { config, log, runId, input, database, maxConcurrency = config.maxConcurrency } = part;
  const { pool } = database;
  const startedAt = new Date();
  const storage = await openPostgresRunStorage({ database, runId, leaseSecs: config.leaseSecs });
  const budgets: SharedBudget[] = [];
  try {
    const { result, stats } = await runCrawl({
      actor,
      input,
      storage,
      records: new PostgresRecords(pool, actor.name),
      config,
      log,
      maxConcurrency,
      goOn: `--db --run ${runId}`,
      createBudget(owner, wake) {
        const onError = (err: Error) => log.error({ err }, `the budget of ${owner.name} cannot be asked`);
        const budget = new SharedBudget({ pool, owner, wake, onError });
        budgets.push(budget);
        return budget;
      },
    });
    const summary = await summarize(result, stats, {
      actor,
      runId,
      startedAt,
      finishedAt: new Date(),
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
