import { type Kysely, type RawBuilder, sql } from "kysely";
import { fromKysely, PgBoss } from "pg-boss";
import type { Logger } from "pino";
import type { WorkerClass } from "../crawl/define-actor.ts";
import type { Database } from "../db/database.ts";
import { longTransaction } from "../db/long-transaction.ts";
import { withRetry } from "../db/retry.ts";
import type { DB } from "../db/tables.ts";

/** A connection, or a transaction. */
export type Queryable = Kysely<DB>;

export const WORKER_CLASSES: readonly WorkerClass[] = ["http", "browser", "media"];

/** Advisory lock of whoever starts pg-boss. */
const START_LOCK = 919_004;

const YEAR_SECS = 365 * 24 * 60 * 60;

/**
 * Hands the ids of READY runs to workers: a queue of pg-boss for each class of worker. A delivery is taken and settled
 * within one transaction, that of the run's lease, so it is never "active" and cannot be lost with a worker. Sending
 * the same run twice is harmless: the queue keeps one delivery a run.
 */
export class Delivery {
  readonly #boss: PgBoss;

  private constructor(boss: PgBoss) {
    this.#boss = boss;
  }

  /** Creates or updates pg-boss's tables if need be; any number of processes may do that at the same time. */
  static async open({ pool }: Pick<Database, "pool">, log: Logger): Promise<Delivery> {
    const boss = new PgBoss({
      // Our own pool: no connections beside it.
      db: { executeSql: (text, values) => pool.query(text, values) },
      // Deliveries do not expire, and settled ones are gone: there is nothing to supervise.
      supervise: false,
      schedule: false,
    });
    boss.on("error", (err) => log.warn({ err }, "deliveries of runs"));
    // pg-boss has a lock of its own, behind which a connection that has seen the database without its schema still
    // tries to create it: of two processes that start on a new database one failed.
    await withRetry(() =>
      longTransaction(pool, async (query) => {
        await query("select pg_advisory_xact_lock($1)", [START_LOCK]);
        await boss.start();
      }),
    );
    for (const name of WORKER_CLASSES.map(queueName)) {
      if (await withRetry(() => boss.getQueue(name))) continue;
      await withRetry(() => boss.createQueue(name, { policy: "short", retentionSeconds: YEAR_SECS }));
    }
    return new Delivery(boss);
  }

  /**
   * The run `id`, whose row says for which workers, and how soon.
   * @param startAfter not before this time, or so many seconds from now. @default what its row says
   */
  async send(id: string, transaction: Queryable, startAfter?: Date | number): Promise<void> {
    const run = await transaction
      .selectFrom("runs")
      .select(["class", "priority", "start_after"])
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
    const after = startAfter ?? run.start_after;
    await this.#boss.send(
      queueName(run.class),
      { runId: id },
      {
        db: fromKysely(transaction),
        singletonKey: id,
        priority: run.priority,
        ...(after !== null && { startAfter: after }),
      },
    );
  }

  /**
   * Takes the next delivery for a class of worker, by priority and age, of those whose run, `r`, is for whoever asks; it
   * is gone when the transaction commits, and back in its place otherwise. Deliveries of runs that wait no more are taken
   * as well. Returns the run's id, `undefined` when there is none.
   */
  async take(
    workerClass: string,
    isForUs: RawBuilder<unknown>,
    transaction: Queryable,
  ): Promise<string | undefined> {
    const name = queueName(workerClass);
    // As pg-boss's own `fetch`, which takes no condition: what must wait there would be in the way of all behind it.
    const { rows } = await sql<{ jobId: string; runId: string }>`
      select j.id as "jobId", j.data->>'runId' as "runId"
      from pgboss.job j left join runs r on r.id = j.data->>'runId'
      where j.name = ${name} and j.state < 'active' and j.start_after <= now()
        and (r.status is distinct from 'READY' or ${isForUs})
      order by j.priority desc, j.created_on, j.id
      limit 1 for update of j skip locked`.execute(transaction);
    const [job] = rows;
    if (!job) return undefined;
    await this.#boss.deleteJob(name, job.jobId, { db: fromKysely(transaction) });
    return job.runId;
  }

  /** Sends again what waits for a worker, should its delivery have been lost by somebody's hand. */
  async sendWaiting({ kysely }: Pick<Database, "kysely">): Promise<void> {
    const { rows } = await sql<{ id: string }>`
      select id from runs
      where is_managed and status = 'READY' and finished_at is null
        and coalesce(start_after, modified_at) < now() - interval '1 minute'
      order by random() limit 20`.execute(kysely);
    for (const { id } of rows) await this.send(id, kysely);
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: false });
  }
}

function queueName(workerClass: string): string {
  return `run.${workerClass}`;
}
