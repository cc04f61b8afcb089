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

/** A run that was delivered. */
interface Found {
  status: string;
  memoryMbytes: number;
  progress: Record<string, unknown>;
  isForUs: boolean;
}

/** The machine itself keeps this much. */
const SPARE_MBYTES = 256;
/** A run that is not for this worker is looked at again after this long, by whoever comes first. */
const DEFERRAL_SECS = 3;
const MEGABYTE = 1024 * 1024;

/** Takes runs for a worker that has a free slot, when there is memory and disk for them. */
export class Claims {
  readonly #options: ClaimOptions;
  /** Of all runs of this worker together. */
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
    // One cheap question while nothing is to be done, which is most of the time.
    const { rows } = await sql<{ class: WorkerClass; isForUs: boolean; isUntold: boolean }>`
      select class, bool_or(${this.#isForUs}) as "isForUs",
        bool_or(not (${this.#isForUs}) and status_message is null) as "isUntold"
      from runs r where ${this.#isWaiting} group by class`.execute(this.#options.database.kysely);
    if (rows.some(({ isUntold }) => isUntold)) await this.#tellWaiting();
    const classes = rows.filter(({ isForUs }) => isForUs);
    if (classes.length === 0 || !(await this.#hasRoom())) return null;
    const free = this.#memoryMbytes - running.reduce((sum, { memoryMbytes }) => sum + memoryMbytes, 0);
    for (const { class: workerClass } of classes) {
      const run = await this.#claimOf(workerClass, free);
      if (run) return run;
    }
    return null;
  }

  /** Of a row `r` of `runs`: it waits for a worker with our classes. */
  get #isWaiting() {
    return sql`r.is_managed and r.status = 'READY' and r.finished_at is null
      and r.class = any(${[...this.#options.classes]}::text[]) and coalesce(r.start_after, now()) <= now()`;
  }

  /** Of a row `r` of `runs`: this worker could carry it out, if it had nothing else to do. */
  get #isForUs() {
    const actors = this.#options.runs.actors.map(({ name }) => name);
    return sql`r.memory_mbytes <= ${this.#memoryMbytes} and r.actor = any(${actors}::text[])`;
  }

  /** Says of runs that are not for this worker what they wait for. */
  async #tellWaiting(): Promise<void> {
    await sql`
      select update_run(r.id, case when r.memory_mbytes > ${this.#memoryMbytes}
        then format('waits for a worker with %s MB', r.memory_mbytes)
        else format('waits for a worker that has actor %s', r.actor) end, null)
      from runs r where ${this.#isWaiting} and not (${this.#isForUs}) and r.status_message is null
    `.execute(this.#options.database.kysely);
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
    if (id === undefined) return null;
    const { rows: found } = await sql<Found>`
      select status, memory_mbytes as "memoryMbytes", progress, ${this.#isForUs} as "isForUs"
      from runs r where id = ${id}`.execute(transaction);
    const [run] = found;
    if (run?.status !== "READY") return null;
    if (!run.isForUs) {
      await runs.delivery.send(id, transaction, DEFERRAL_SECS);
      return null;
    }
    // It keeps its place: here, when others have ended, or on another worker before.
    if (run.memoryMbytes > freeMbytes) throw new NoRoom();
    const { rows } = await sql<{ run: Omit<LeasedRun, "progress"> | null }>`
      select lease_run(${id}, ${name}, ${config.runLeaseSecs}) as run`.execute(transaction);
    const leased = rows[0]!.run;
    return leased && { ...leased, progress: run.progress };
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
