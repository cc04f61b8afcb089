import { statfs } from "node:fs/promises";
import os from "node:os";
import { sql } from "kysely";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import type { WorkerClass } from "../crawl/define-actor.ts";
import type { Database } from "../db/database.ts";
import type { LeasedRun } from "./attempt.ts";
import type { Queryable } from "./delivery.ts";
import type { Runs } from "./runs.ts";

export interface ClaimOptions {
  database: Pick<Database, "kysely">;
  runs: Runs;
  config: Pick<Config, "runLeaseSecs" | "workerMemoryMbytes" | "workerMinDiskMbytes">;
  log: Logger;
  name: string;
  classes: readonly WorkerClass[];
}

/** The machine itself keeps this much. */
const SPARE_MBYTES = 256;
/** A run that is too big for this worker is looked at again after this long, by whoever comes first. */
const DEFERRAL_MS = 3_000;
const MEGABYTE = 1024 * 1024;

/** Takes runs for a worker that has a free slot, when there is memory and disk for them. */
export class Claims {
  readonly #options: ClaimOptions;
  /** For all runs of this worker. */
  readonly #memoryMbytes: number;
  #shortage: string | null = null;

  constructor(options: ClaimOptions) {
    this.#options = options;
    this.#memoryMbytes = options.config.workerMemoryMbytes ?? machineMemoryMbytes();
  }

  /**
   * The next run, by priority and age; `null` when there is none, or nothing to carry it out with.
   * @param running what the worker has
   */
  async claim(running: readonly LeasedRun[]): Promise<LeasedRun | null> {
    const { database, classes } = this.#options;
    // One cheap question while nothing is to be done, which is most of the time.
    const { rows } = await sql<{ class: WorkerClass }>`
      select distinct class from runs
      where is_managed and status = 'READY' and finished_at is null and class = any(${[...classes]}::text[])
        and coalesce(start_after, now()) <= now()`.execute(database.kysely);
    if (rows.length === 0 || !(await this.#hasRoom())) return null;
    const free = this.#memoryMbytes - running.reduce((sum, { memoryMbytes }) => sum + memoryMbytes, 0);
    for (const { class: workerClass } of rows) {
      const run = await this.#claimOf(workerClass, free);
      if (run) return run;
    }
    return null;
  }

  async #claimOf(workerClass: WorkerClass, freeMbytes: number): Promise<LeasedRun | null> {
    try {
      return await this.#options.database.kysely
        .transaction()
        .execute((transaction) => this.#lease(workerClass, freeMbytes, transaction));
    } catch (error) {
      if (error instanceof NoRoom) return null;
      throw error;
    }
  }

  async #lease(
    workerClass: WorkerClass,
    freeMbytes: number,
    transaction: Queryable,
  ): Promise<LeasedRun | null> {
    const { runs, config, name } = this.#options;
    const id = await runs.delivery.take(workerClass, transaction);
    const run = id === undefined ? undefined : await runs.get(id, { transaction });
    if (run?.status !== "READY") return null;
    const { memoryMbytes } = run.options;
    if (memoryMbytes > this.#memoryMbytes) {
      const message = `waits for a worker with ${memoryMbytes} MB`;
      await sql`select update_run(${run.id}, ${message}, null)`.execute(transaction);
      const startAfter = new Date(Date.now() + DEFERRAL_MS);
      const { priority } = run;
      await runs.delivery.send({ runId: run.id, class: workerClass, priority, startAfter }, transaction);
      return null;
    }
    // It keeps its place: here, when others have ended, or on another worker before.
    if (memoryMbytes > freeMbytes) throw new NoRoom();
    const { rows } = await sql<{ run: LeasedRun | null }>`
      select lease_run(${run.id}, ${name}, ${config.runLeaseSecs}) as run`.execute(transaction);
    return rows[0]!.run;
  }

  async #hasRoom(): Promise<boolean> {
    const { workerMinDiskMbytes } = this.#options.config;
    const { bavail, bsize } = await statfs(process.cwd());
    const diskMbytes = Math.floor((bavail * bsize) / MEGABYTE);
    const memoryMbytes = Math.floor(process.availableMemory() / MEGABYTE);
    if (diskMbytes < workerMinDiskMbytes)
      return this.#isShort(
        `disk: ${diskMbytes} MB are free, WORKER_MIN_DISK_MBYTES is ${workerMinDiskMbytes}`,
      );
    if (memoryMbytes < SPARE_MBYTES) return this.#isShort(`memory: ${memoryMbytes} MB are free`);
    this.#shortage = null;
    return true;
  }

  /** Said once for each shortage. */
  #isShort(what: string): false {
    if (this.#shortage === null) this.#options.log.warn(`no run is taken, for want of ${what}`);
    this.#shortage = what;
    return false;
  }
}

/** The next run must wait for memory. Undoes the transaction, so that its delivery is back in its place. */
class NoRoom extends Error {
  override name = "NoRoom";
}

/** What the machine has, or the container is allowed. */
function machineMemoryMbytes(): number {
  const allowed = process.constrainedMemory();
  return Math.floor((allowed > 0 ? Math.min(allowed, os.totalmem()) : os.totalmem()) / MEGABYTE);
}
