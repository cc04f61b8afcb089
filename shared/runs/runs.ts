import { sql } from "kysely";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { toDatabaseJson } from "../crawl/postgres/database-json.ts";
import { newRunId } from "../crawl/postgres/runs.ts";
import type { Database } from "../db/database.ts";
import { isBrief, withRetry } from "../db/retry.ts";
import { type ActorManifest, actorManifests, findActor } from "./actors.ts";
import { Delivery, type Queryable } from "./delivery.ts";
import {
  assertRunInput,
  CheckedInput,
  expandInput,
  type LaunchInput,
  type SetAside,
} from "./launch-input.ts";
import { toStorable } from "./log-lines.ts";
import { listRuns, readChangedRuns, readRun, readRuns, type RunFilter } from "./read-runs.ts";
import { startReaper } from "./reaper.ts";
import { createRunLog, type RunLog } from "./run-log.ts";
import {
  isFinal,
  NothingDueError,
  type Run,
  type RunOrigin,
  RunStateError,
  UnknownActorError,
} from "./run.ts";
import { assertMayLaunch, countStored, type Launcher } from "./token-limits.ts";
import { Waiters } from "./waiters.ts";

export interface LaunchOptions {
  /** Name, `~name` or `username~name`. */
  actor: string;
  /** With `{"due": n}` the actor's work list is asked. May be a `CheckedInput`. */
  input: unknown;
  origin: RunOrigin;
  /** @default nobody with limits */
  by?: Launcher | null;
  scheduleId?: string | null;
  /** @default the actor's own */
  memoryMbytes?: number;
  /** 0: none. @default the actor's own */
  timeoutSecs?: number;
  maxItems?: number | null;
  maxCostUsd?: number | null;
  /** @default false */
  restartOnError?: boolean;
  /** The higher, the sooner. @default 0 */
  priority?: number;
  rerunOf?: string;
  startAfter?: Date;
  /** Nothing due, no run. @default false: then the run has SUCCEEDED at once */
  onlyIfDue?: boolean;
}

/** Runs of actors: their rows, and what is asked of them. Workers carry them out. */
export interface Runs {
  readonly actors: readonly ActorManifest[];
  /** For workers. */
  readonly delivery: Delivery;
  /**
   * A new run, on its way to a worker. One for which nothing is due has SUCCEEDED at once. Within `transaction` it is
   * there when that commits; a launch that is refused leaves it as it was.
   * @throws {NothingDueError} with `onlyIfDue`
   * @throws {UnknownActorError}
   * @throws {InvalidRunInputError}
   * @throws {TokenLimitError}
   */
  launch(options: LaunchOptions, within?: { transaction?: Queryable }): Promise<Run>;
  /** @throws {UnknownActorError | InvalidRunInputError} */
  validateInput(actor: string, input: unknown): Promise<void>;
  get(id: string, options?: { transaction?: Queryable }): Promise<Run | undefined>;
  /** The run input, with the work that was due instead of `due`; `undefined` when there is no such run. */
  input(id: string): Promise<unknown>;
  list(filter: RunFilter): Promise<{ items: Run[]; total: number }>;
  /**
   * Asks for the run's end: gracefully within 30 s, or at once. What is over stays as it is.
   * @throws {RunStateError} for a run that no worker carries out
   */
  abort(id: string, options: { gracefully: boolean }): Promise<Run | undefined>;
  /**
   * A run that is over goes on where it stopped; its timeout counts anew.
   * @throws {RunStateError} when it is not over
   * @throws {TokenLimitError}
   */
  resurrect(
    id: string,
    options?: { timeoutSecs?: number; memoryMbytes?: number; by?: Launcher | null },
  ): Promise<Run | undefined>;
  /** A new run like the run `id`; what `changes` names is different. `undefined` when there is no such run. */
  rerun(id: string, changes?: Partial<Omit<LaunchOptions, "actor" | "rerunOf">>): Promise<Run | undefined>;
  update(
    id: string,
    changes: { statusMessage?: string; isStatusMessageTerminal?: boolean },
  ): Promise<Run | undefined>;
  /**
   * Removes a run with its log, items, requests and records. False when there is none.
   * @throws {RunStateError} when it is not over
   */
  remove(id: string): Promise<boolean>;
  /** The run when it is over, or as it is after `secs`. */
  waitForFinish(id: string, options: { secs: number; signal?: AbortSignal }): Promise<Run | undefined>;
  /** For who follows many runs; see `readChangedRuns`. */
  changedSince(at: Date, limit: number): Promise<Run[]>;
  readonly log: RunLog;
  /** Lets those who wait go, and stops what was started. The database stays open. */
  close(): Promise<void>;
}

export interface OpenRunsOptions {
  database: Database;
  config: Pick<Config, "runLeaseSecs">;
  log: Logger;
  /** @default those of the checkout */
  actors?: readonly ActorManifest[];
}

export async function openRuns({
  database,
  config,
  log,
  actors = actorManifests,
}: OpenRunsOptions): Promise<Runs> {
  const { kysely } = database;
  const delivery = await Delivery.open(database, log);
  const stopReaper = startReaper({ database, delivery, leaseSecs: config.runLeaseSecs, log });
  const waiters = new Waiters(
    (ids) => readRuns(kysely, ids),
    (err) => log.warn({ err }, "runs that are waited for cannot be read; tried again"),
  );

  const get: Runs["get"] = (id, { transaction = kysely } = {}) => readRun(transaction, id);
  const actorOf = (name: string): ActorManifest => {
    const actor = findActor(name, actors);
    if (actor) return actor;
    throw new UnknownActorError(
      `no actor ${JSON.stringify(name)}; there are: ${actors.map((known) => known.name).join(", ")}`,
    );
  };
  /** All or nothing; repeated when the database was away, so `work` must bear being done twice. */
  const inTransaction = <Result>(work: (transaction: Queryable) => Promise<Result>): Promise<Result> =>
    withRetry(() => kysely.transaction().execute(work), { maxMs: 30_000, passes: isBrief });

  const launch: Runs["launch"] = async (options, { transaction: outer } = {}) => {
    const actor = actorOf(options.actor);
    const id = newRunId();
    const by = options.by ?? null;
    const expand = (transaction: Queryable) => expandInput(actor, options.input, id, transaction);
    let setAside: SetAside[] = [];
    const store = async (transaction: Queryable) => {
      const early = options.onlyIfDue ? await expand(transaction) : null;
      setAside = early?.setAside ?? [];
      if (early?.isNothing) return;
      const run = toLaunch(id, actor, options);
      await assertMayLaunch(by, run, transaction);
      const json = toDatabaseJson(run, "run");
      // In its row, and as a record.
      const inputBytes = options.input instanceof CheckedInput ? Buffer.byteLength(options.input.json) : 0;
      await countStored(by, 2 * (Buffer.byteLength(json) + inputBytes), transaction);
      const { rows } = await sql<{
        isNew: boolean;
      }>`select launch_run(${json}) as "isNew"`.execute(transaction);
      if (!rows[0]!.isNew) return;
      const launched = early ?? (await expand(transaction));
      setAside = launched.setAside;
      await storeInput(id, launched, transaction);
      if (!launched.isNothing) await delivery.send(id, transaction);
    };
    await (outer ? inSavepoint(outer, store) : inTransaction(store));
    for (const line of describeSetAside(setAside)) log.warn({ actor: actor.name }, line);
    const run = await get(id, outer && { transaction: outer });
    if (run) return run;
    const [line, ...others] = describeSetAside(setAside);
    throw new NothingDueError(
      ["nothing is due", line, others.length > 0 && `and ${setAside.length - 1} more`]
        .filter(Boolean)
        .join("; "),
    );
  };

  return {
    actors,
    delivery,
    launch,
    get,
    validateInput: async (actor, input) => assertRunInput(actorOf(actor), input),
    async input(id) {
      const { rows } = await sql<{ input: unknown }>`select input from runs where id = ${id}`.execute(kysely);
      return rows[0]?.input;
    },
    list: (filter) => listRuns(kysely, filter),
    async abort(id, { gracefully }) {
      const run = await get(id);
      if (!run || isFinal(run.status)) return run;
      if (run.status !== "READY" && run.leaseExpiresAt === null) {
        throw new RunStateError(`run ${id} is crawled by \`b9 crawl\`: end it there, with Ctrl+C`);
      }
      await withRetry(
        () => sql`select abort_run(${id}, ${gracefully ? "graceful" : "kill"})`.execute(kysely),
        { maxMs: 30_000, passes: isBrief },
      );
      return get(id);
    },
    async resurrect(id, { timeoutSecs = null, memoryMbytes = null, by = null } = {}) {
      const run = await get(id);
      if (!run) return undefined;
      const wanted = { memoryMbytes: memoryMbytes ?? run.options.memoryMbytes, priority: run.priority };
      await inTransaction(async (transaction) => {
        if (isFinal(run.status)) await assertMayLaunch(by, wanted, transaction);
        const { rows } = await sql<{ done: boolean }>`
          select resurrect_run(${id}, ${timeoutSecs}, ${memoryMbytes}, ${by?.tokenId ?? null}::integer) as done`.execute(
          transaction,
        );
        if (!rows[0]!.done)
          throw new RunStateError(`run ${id} is ${run.status}: only a run that is over can be resurrected`);
        await delivery.send(id, transaction);
      });
      return get(id);
    },
    async rerun(id, changes = {}) {
      const run = await get(id);
      if (!run) return undefined;
      const { rows } = await sql<{ input: unknown }>`select input from runs where id = ${id}`.execute(kysely);
      const { actor, priority, origin, options } = run;
      return launch({ origin, priority, input: rows[0]!.input, ...options, ...changes, actor, rerunOf: id });
    },
    async update(id, { statusMessage = null, isStatusMessageTerminal = null }: UpdateOptions) {
      const message = statusMessage && toStorable(statusMessage);
      await sql`select update_run(${id}, ${message}, ${isStatusMessageTerminal})`.execute(kysely);
      return get(id);
    },
    async remove(id) {
      const run = await get(id);
      if (!run) return false;
      const { rows } = await sql<{ done: boolean }>`select remove_run(${id}) as done`.execute(kysely);
      if (rows[0]!.done) return true;
      throw new RunStateError(`run ${id} is ${run.status}: only a run that is over can be removed`);
    },
    waitForFinish: (id, options) => waiters.wait(id, options),
    changedSince: (at, limit) => readChangedRuns(kysely, at, limit),
    log: createRunLog(database),
    async close() {
      await stopReaper();
      await waiters.close();
      await delivery.close();
    },
  };
}

/** All of `work` or nothing; what the transaction has done before stays. */
async function inSavepoint(
  transaction: Queryable,
  work: (transaction: Queryable) => Promise<void>,
): Promise<void> {
  await sql`savepoint part`.execute(transaction);
  try {
    await work(transaction);
  } catch (error) {
    await sql`rollback to savepoint part`.execute(transaction);
    throw error;
  }
}

interface UpdateOptions {
  statusMessage?: string | null;
  isStatusMessageTerminal?: boolean | null;
}

/** What `launch_run` takes. */
function toLaunch(id: string, actor: ActorManifest, options: LaunchOptions) {
  const { name, defaultMemoryMbytes, defaultTimeoutSecs } = actor;
  return {
    id,
    actor: name,
    // That of a checked one is stored as it is, in a moment.
    input: options.input instanceof CheckedInput ? null : (options.input ?? null),
    class: actor.class,
    priority: options.priority ?? 0,
    origin: options.origin,
    scheduleId: options.scheduleId ?? null,
    rerunOf: options.rerunOf ?? null,
    memoryMbytes: options.memoryMbytes ?? defaultMemoryMbytes,
    timeoutSecs: options.timeoutSecs ?? defaultTimeoutSecs,
    maxItems: options.maxItems ?? null,
    maxCostUsd: options.maxCostUsd ?? null,
    restartOnError: options.restartOnError ?? false,
    startAfter: options.startAfter ?? null,
    launchedBy: options.by?.tokenId ?? null,
  };
}

/** The input as the run gets it, in its row and as the record `INPUT`; without work the run is over. */
async function storeInput(
  id: string,
  { input, isNothing, setAside }: LaunchInput,
  transaction: Queryable,
): Promise<void> {
  const json = input instanceof CheckedInput ? input.json : toDatabaseJson(input, "run input");
  await sql`select set_run_input(${id}, ${json})`.execute(transaction);
  await sql`select put_record(${id}, 'INPUT', 'application/json; charset=utf-8', convert_to(${json}, 'UTF8'))`.execute(
    transaction,
  );
  for (const line of describeSetAside(setAside))
    await sql`select log_of_run(${id}, 'WARN', ${line})`.execute(transaction);
  if (isNothing) await sql`select finish_unstarted_run(${id}, 'nothing is due')`.execute(transaction);
}

/** More are only counted; `work_leases` has them all. */
const MAX_TOLD = 20;

function describeSetAside(setAside: readonly SetAside[]): string[] {
  const lines = setAside
    .slice(0, MAX_TOLD)
    .map(({ reason }) => toStorable(`set aside for a week, because it cannot be used: ${reason}`));
  const more = setAside.length - lines.length;
  return more > 0 ? [...lines, `set aside for a week, because they cannot be used: ${more} more`] : lines;
}
