import { sql } from "kysely";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { WorkerClass } from "../crawl/define-actor.ts";
import { readIdentitySpecs } from "../crawl/identities-file.ts";
import { toDatabaseJson } from "../crawl/postgres/database-json.ts";
import type { Database } from "../db/database.ts";
import { withRetry } from "../db/retry.ts";
import { findActor } from "./actors.ts";
import { Attempt, type LeasedRun, type Outcome } from "./attempt.ts";
import { Claims } from "./claims.ts";
import { LogWriter } from "./log-writer.ts";
import { readProcessTrees } from "./process-tree.ts";
import { repeat } from "./repeat.ts";
import { killLeftovers } from "./run-group.ts";
import type { Runs } from "./runs.ts";
import { storeOutcome } from "./store-outcome.ts";

export interface WorkerOptions {
  database: Database;
  runs: Runs;
  config: Config;
  log: Logger;
  /** Unlike other workers' names. */
  name: string;
  /** Runs at a time. */
  slots: number;
  classes: readonly WorkerClass[];
}

export interface WorkerStatus {
  name: string;
  slots: number;
  isDraining: boolean;
  runs: { id: string; attempt: number; pid: number | undefined; memoryBytes: number }[];
}

/** Takes runs and carries them out, each in a process of its own. */
export interface Worker {
  status(): WorkerStatus;
  /** Takes nothing more and hands its runs back; resolves within 30 s, with the database there. */
  drain(): Promise<void>;
  /** Ends its processes at once and says nothing to anybody, as a crash would. */
  kill(): void;
}

const TICK_MS = 400;
const SAMPLE_MS = 1_000;
const TIDY_MS = 30_000;

/** What was asked of a run that is here. */
interface Asked {
  id: string;
  attempt: number;
  abort: "graceful" | "kill" | null;
  reason: string | null;
}

/** @throws {InvalidInputError} when its runs could not use IDENTITIES_FILE */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  readIdentitySpecs(options.config);
  const worker = new RunWorker(options);
  worker.start();
  return worker;
}

class RunWorker implements Worker {
  readonly #options: WorkerOptions;
  readonly #logWriter: LogWriter;
  readonly #claims: Claims;
  readonly #attempts = new Set<Attempt>();
  readonly #settling = new Set<Promise<void>>();
  #stops: (() => Promise<void>)[] = [];
  #isDraining = false;
  /** When all leases were renewed, by a clock that does not jump. */
  #renewedAt = performance.now();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#logWriter = new LogWriter(options.database.pool, options.log);
    this.#claims = new Claims(options);
  }

  start(): void {
    const { log, config } = this.#options;
    const failed = (what: string) => (err: Error) => log.warn({ err }, `${what} failed; tried again`);
    killLeftovers();
    this.#stops = [
      repeat(TICK_MS, () => this.#claim(), failed("taking runs")),
      repeat(TICK_MS, () => this.#obey(), failed("reading what is asked of runs")),
      repeat(SAMPLE_MS, () => this.#watch(), failed("measuring runs")),
      repeat((config.runLeaseSecs * 1000) / 6, () => this.#renew(), failed("renewing leases of runs")),
      repeat(TIDY_MS, async () => killLeftovers(), failed("ending what dead workers have left behind")),
    ];
  }

  status(): WorkerStatus {
    const runs = [...this.#attempts].map(({ run, pid, usage }) => ({
      id: run.id,
      attempt: run.attempt,
      pid,
      memoryBytes: usage.memoryBytes,
    }));
    return { name: this.#options.name, slots: this.#options.slots, isDraining: this.#isDraining, runs };
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    // Waits for a run that is just being taken.
    await this.#stops[0]?.();
    for (const attempt of this.#attempts)
      attempt.stop({ kind: "handed-back", reason: `worker ${this.#options.name} stops` });
    while (this.#settling.size > 0) await Promise.all(this.#settling);
    await Promise.all(this.#stops.map((stop) => stop()));
    this.#logWriter.close();
  }

  kill(): void {
    this.#isDraining = true;
    for (const stop of this.#stops) void stop();
    this.#logWriter.close();
    for (const attempt of this.#attempts) attempt.kill({ kind: "lost", reason: "its worker was killed" });
  }

  async #claim(): Promise<void> {
    while (!this.#isDraining && this.#attempts.size < this.#options.slots) {
      const run = await this.#claims.claim([...this.#attempts].map((attempt) => attempt.run));
      if (!run) return;
      if (this.#attempts.size === 0) this.#renewedAt = performance.now();
      this.#begin(run);
    }
  }

  #begin(run: LeasedRun): void {
    const { runs, config, name, log } = this.#options;
    const actor = findActor(run.actor, runs.actors)!;
    const attempt = new Attempt({ run, actor, config, worker: name, logWriter: this.#logWriter });
    log.info({ runId: run.id, attempt: run.attempt, pid: attempt.pid }, `run of ${run.actor} taken`);
    this.#attempts.add(attempt);
    const settling = attempt.ended
      .then((outcome) => this.#settle(attempt, outcome))
      // Its lease runs out then, and somebody finds it.
      .catch((err: Error) => log.error({ err, runId: run.id }, "how a run ended could not be stored"))
      .finally(() => {
        this.#attempts.delete(attempt);
        this.#settling.delete(settling);
      });
    this.#settling.add(settling);
  }

  /** Writes down how an attempt ended, as soon as the database is there. */
  async #settle(attempt: Attempt, outcome: Outcome): Promise<void> {
    const { runs, database, log } = this.#options;
    if (outcome.kind !== "lost") {
      while (!(await this.#logWriter.flush())) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
      await withRetry(() => storeOutcome(database, runs, attempt, outcome), { maxMs: Infinity });
    }
    log.info({ runId: attempt.run.id, attempt: attempt.run.attempt, ...outcome }, "run ended here");
  }

  /** Does what was asked of the runs here: their end, by somebody or by their timeout. */
  async #obey(): Promise<void> {
    if (this.#attempts.size === 0) return;
    const { kysely } = this.#options.database;
    const ids = [...this.#attempts].map(({ run }) => run.id);
    const { rows } = await sql<Asked>`
      select id, attempt, abort, status_message as reason from runs
      where id = any(${ids}::text[]) and (abort is not null or timeout_at <= now())`.execute(kysely);
    for (const asked of rows) {
      const attempt = [...this.#attempts].find(
        ({ run }) => run.id === asked.id && run.attempt === asked.attempt,
      );
      if (!attempt) continue;
      const reason = asked.reason ?? "aborted";
      if (asked.abort === "kill") attempt.kill({ kind: "asked", reason });
      else if (asked.abort) attempt.stop({ kind: "asked", reason });
      else await this.#timeOut(attempt);
    }
  }

  async #timeOut(attempt: Attempt): Promise<void> {
    const { id, attempt: number } = attempt.run;
    const { kysely } = this.#options.database;
    const { rows } = await sql<{
      reason: string | null;
    }>`select time_out_run(${id}, ${number}) as reason`.execute(kysely);
    const { reason } = rows[0]!;
    if (reason !== null) attempt.stop({ kind: "asked", reason });
  }

  async #watch(): Promise<void> {
    const attempts = [...this.#attempts];
    const trees = readProcessTrees(attempts.flatMap(({ root }) => root ?? []));
    for (const attempt of attempts) if (attempt.root) attempt.sample(trees.get(attempt.root.pid)!);
    const leaseSecs = this.#options.config.runLeaseSecs;
    if (performance.now() - this.#renewedAt <= leaseSecs * 1000) return;
    // By now others may have the runs: two of one must not ask a site at once.
    const reason = `worker ${this.#options.name} could not reach the database for ${leaseSecs} s`;
    for (const attempt of this.#attempts) attempt.kill({ kind: "cut-off", reason });
  }

  async #renew(): Promise<void> {
    const attempts = [...this.#attempts];
    if (attempts.length === 0) return;
    const asked = performance.now();
    const beats = attempts.map(({ run: { id, attempt }, told }) => ({ id, attempt, ...told }));
    const { config, database } = this.#options;
    const { rows } = await sql<{ kept: string[] }>`
      select heartbeat_runs(${toDatabaseJson(beats, "heartbeat")}, ${config.runLeaseSecs}) as kept`.execute(
      database.kysely,
    );
    this.#renewedAt = asked;
    const kept = new Set(rows[0]!.kept);
    for (const attempt of attempts)
      if (!kept.has(attempt.run.id)) attempt.kill({ kind: "lost", reason: "another worker has the run" });
  }
}
