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
  config: Pick<
    Config,
    "runLeaseSecs" | "workerMemoryMbytes" | "workerMinDiskMbytes" | "tokenMaxMemoryMbytes"
  >;
  log: Logger;
  name: string;
  classes: readonly WorkerClass[];
}

/** A run that this worker could carry out, if there were room for it. */
interface Held {
  id: string;
  memoryMbytes: number;
  isTold: boolean;
  isOverToken: boolean;
}

/** The machine itself keeps this much. */
const SPARE_MBYTES = 256;
/**
 * What has less memory than it needs lets others pass for so long; then nothing passes it for as long, so that the memory
 * that becomes free is left to it; and so on in turn.
 */
const TURN_MS = 10 * 60 * 1000;
/** So many of what waits for room are looked at. */
const MAX_HELD = 100;
const MEGABYTE = 1024 * 1024;

/** Takes runs for a worker that has a free slot, when there is memory and disk for them. */
export class Claims {
  readonly #options: ClaimOptions;
  /** Of all runs of this worker together. */
  readonly #memoryMbytes: number;
  #shortage: string | null = null;
  /** Runs that wait for memory here, and since when, by a clock that does not jump. */
  #heldSince = new Map<string, number>();

  constructor(options: ClaimOptions) {
    this.#options = options;
    this.#memoryMbytes = options.config.workerMemoryMbytes ?? machineMemoryMbytes();
  }

  /**
   * The next run, by priority and age, of those that there is memory for; `null` when there is none.
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
    if (await this.#isReserved(free)) return null;
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

  /** Of a row `r` of `runs`: its token's other runs leave it memory. */
  get #isWithinToken() {
    return sql`coalesce((
      select sum(o.memory_mbytes) + r.memory_mbytes <= ${this.#options.config.tokenMaxMemoryMbytes}
      from runs o join api_tokens t on t.id = o.launched_by and t.scope = 'run'
      where o.launched_by = r.launched_by and o.lease_expires_at is not null), true)`;
  }

  /** Says what runs wait for that have no room here by now. True when one of them has waited for its turn. */
  async #isReserved(freeMbytes: number): Promise<boolean> {
    const { rows } = await sql<Held>`
      select r.id, r.memory_mbytes as "memoryMbytes", r.status_message is not null as "isTold",
        not (${this.#isWithinToken}) as "isOverToken"
      from runs r
      where ${this.#isWaiting} and ${this.#isForUs}
        and (r.memory_mbytes > ${freeMbytes} or not (${this.#isWithinToken}))
      order by r.priority desc, r.created_at limit ${MAX_HELD}`.execute(this.#options.database.kysely);
    for (const held of rows) if (!held.isTold) await this.#tellHeld(held);
    const now = performance.now();
    const big = rows.filter(({ memoryMbytes }) => memoryMbytes > freeMbytes);
    this.#heldSince = new Map(big.map(({ id }) => [id, this.#heldSince.get(id) ?? now]));
    return [...this.#heldSince.values()].some((since) => Math.floor((now - since) / TURN_MS) % 2 === 1);
  }

  async #tellHeld({ id, memoryMbytes, isOverToken }: Held): Promise<void> {
    const what = isOverToken
      ? `until runs of the same token have ended: together they may have ${this.#options.config.tokenMaxMemoryMbytes} MB`
      : `for ${memoryMbytes} MB of memory, until other runs have ended`;
    await sql`
      select update_run(r.id, ${`waits ${what}`}, null) from runs r
      where r.id = ${id} and r.status = 'READY' and r.status_message is null`.execute(
      this.#options.database.kysely,
    );
  }

  #claimOf(workerClass: WorkerClass, freeMbytes: number): Promise<LeasedRun | null> {
    return this.#options.database.kysely
      .transaction()
      .execute((transaction) => this.#lease(workerClass, freeMbytes, transaction));
  }

  async #lease(
    workerClass: WorkerClass,
    freeMbytes: number,
    transaction: Queryable,
  ): Promise<LeasedRun | null> {
    const { runs, config, name } = this.#options;
    const fits = sql`${this.#isForUs} and r.memory_mbytes <= ${freeMbytes} and ${this.#isWithinToken}`;
    for (;;) {
      const id = await runs.delivery.take(workerClass, fits, transaction);
      if (id === undefined) return null;
      const { rows } = await sql<{ run: LeasedRun | null }>`
        select lease_run(r.id, ${name}, ${config.runLeaseSecs}) || jsonb_build_object('progress', r.progress) as run
        from runs r where r.id = ${id}`.execute(transaction);
      // Null: it was aborted or removed meanwhile.
      if (rows[0]?.run) return rows[0].run;
    }
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

/** What the machine has, or the container is allowed. */
function machineMemoryMbytes(): number {
  const allowed = process.constrainedMemory();
  return Math.floor((allowed > 0 ? Math.min(allowed, os.totalmem()) : os.totalmem()) / MEGABYTE);
}
