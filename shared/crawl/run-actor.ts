import path from "node:path";
import { readFile } from "node:fs/promises";
import type { Logger } from "pino";
import { readConfig, type Config } from "../config.ts";
import { DatabaseError } from "../db/errors.ts";
import { InvalidInputError } from "../errors.ts";
import { createLogger } from "../log.ts";
import { printable } from "../printable.ts";
import { steadyNow } from "../steady-clock.ts";
import { assertStorageDir } from "../storage-dir.ts";
import { parseJsonText } from "../text.ts";
import { readDataset } from "./dataset-reader.ts";
import type { ActorDefinition } from "./define-actor.ts";
import { parseInput } from "./input.ts";
import { createQueueFit } from "./queue-fit.ts";
import { openLocalRunStorage, purgeLocalStorage } from "./local/local-run-storage.ts";
import { toStorageError } from "./local/storage-failure.ts";
import { Records } from "./local/records.ts";
import { openUsageFile } from "./local/usage-file.ts";
import { runCrawl } from "./run-crawl.ts";
import { StorageError } from "./run-storage.ts";
import { summarize, type RunSummary } from "./summary.ts";

export interface RunActorOptions {
  /** The run input; without it, the record `INPUT` of the storage folder, or the input of the run that is joined. */
  input?: unknown;
  /** Go on with the crawl that the storage folder holds, instead of a fresh one. @default false */
  resume?: boolean;
  /** Keep the run in the database: that of `runId`, which other processes may share, or a new one. */
  database?: { runId?: string };
  maxConcurrency?: number;
  config?: Config;
  log?: Logger;
}

export interface RunActorResult {
  /** 0 finished or stopped on request, 1 failed (resumable), 2 invalid input or configuration. */
  exitCode: 0 | 1 | 2;
  /** `null` when the run did not start. */
  summary: RunSummary | null;
}

/**
 * Runs an actor here, without a server: as a local crawl, input and results in the storage folder, or on the
 * database. What `main.ts` of an actor and `b9 crawl` call. SIGTERM and SIGINT end it gracefully, the second one at once.
 */
export async function runActor(
  actor: ActorDefinition,
  options: RunActorOptions = {},
): Promise<RunActorResult> {
  try {
    const config = options.config ?? readConfig();
    const log = options.log ?? createLogger({ level: config.logLevel });
    if (!options.database) return await runLocally(actor, { ...options, config, log });
    // A local crawl does without the database's libraries.
    const { runOnDatabase } = await import("./run-on-database.ts");
    return await runOnDatabase(actor, { ...options, ...options.database, config, log });
  } catch (error) {
    const isExpected = [InvalidInputError, StorageError, DatabaseError].some((kind) => error instanceof kind);
    if (!(error instanceof Error && isExpected)) throw error;
    process.stderr.write(`${printable(error.message)}\n`);
    return { exitCode: error instanceof InvalidInputError ? 2 : 1, summary: null };
  }
}

type LocalOptions = RunActorOptions & { config: Config; log: Logger };

async function runLocally(actor: ActorDefinition, options: LocalOptions): Promise<RunActorResult> {
  const { config, log, resume = false, maxConcurrency = config.maxConcurrency } = options;
  const { storageDir } = config;
  const raw = options.input ?? (await readStoredInput(storageDir));
  // Everything that can be wrong is found before anything of the last crawl is touched.
  const input: unknown = parseInput(actor.input, raw);
  actor.site(config, input);

  const startedAt = new Date();
  const startedMs = steadyNow();
  await assertStorageDir(storageDir);
  if (!resume) {
    const removed = await purgeLocalStorage({ storageDir, name: actor.name });
    if (removed.length > 0) log.info({ removed }, "a fresh crawl: removed what the last one left");
  }
  const storage = await openLocalRunStorage({
    storageDir,
    name: actor.name,
    fit: createQueueFit(actor),
  });
  for (const note of storage.notes) log.warn(note);
  try {
    await storage.setRecord("INPUT", raw);
    if (resume) await storage.writeDatasets();
    const ledger = await openUsageFile({ storageDir, name: actor.name }, (err) =>
      log.error({ err }, "what calls have cost cannot be written down"),
    );
    const { result, stats } = await runCrawl({
      ledger,
      actor,
      input,
      storage,
      records: new Records(path.join(storageDir, "key_value_stores", actor.name)),
      config,
      log,
      maxConcurrency,
      goOn: "--resume",
    });
    await ledger.close();
    const items = await storage.writeDatasets();
    const summary = await summarize(result, stats, {
      actor,
      input,
      runId: null,
      startedAt,
      finishedAt: new Date(),
      durationMs: steadyNow() - startedMs,
      items,
      read: (dataset) => readDataset(storageDir, dataset),
    });
    await storage.setRecord("OUTPUT", summary);
    return { exitCode: summary.status === "FAILED" ? 1 : 0, summary };
  } finally {
    await storage.close();
  }
}

async function readStoredInput(storageDir: string): Promise<unknown> {
  const file = path.join(storageDir, "key_value_stores", "default", "INPUT.json");
  let written: Buffer;
  try {
    written = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      throw toStorageError(`cannot read ${file}`, error);
    throw new InvalidInputError(`no input: give one with --input, or write it to ${file}`, { cause: error });
  }
  try {
    return parseJsonText(written);
  } catch (error) {
    throw new InvalidInputError(`${file}: expected JSON: ${(error as Error).message}`, { cause: error });
  }
}
