import { sql } from "kysely";
import type { Logger } from "pino";
import type { Database } from "../db/database.ts";
import type { Delivery } from "./delivery.ts";
import { repeat } from "./repeat.ts";

export interface ReaperOptions {
  database: Pick<Database, "kysely">;
  delivery: Delivery;
  /** How long a lease of a run lives. */
  leaseSecs: number;
  log: Logger;
}

/**
 * Brings runs back whose worker is lost: every half lease, in every process that has runs open, which do not wait for
 * each other. Returns what stops it.
 */
export function startReaper({ database, delivery, leaseSecs, log }: ReaperOptions): () => Promise<void> {
  const reap = async () => {
    const reaped = await reapRuns(database, delivery, leaseSecs);
    for (const { id, status } of reaped) log.warn({ runId: id, status }, "a run's worker was lost");
    await delivery.sendWaiting(database);
    await sql`select renew_work_leases()`.execute(database.kysely);
  };
  return repeat(leaseSecs * 500, reap, (err) =>
    log.warn({ err }, "looking for lost runs failed; tried again"),
  );
}

/** Takes runs from lost workers; those that are READY again are delivered anew, in the same transaction. */
export function reapRuns(
  { kysely }: Pick<Database, "kysely">,
  delivery: Delivery,
  leaseSecs: number,
): Promise<{ id: string; status: string }[]> {
  return kysely.transaction().execute(async (transaction) => {
    const { rows } = await sql<{ id: string; status: string }>`
      select run_id as id, status from reap_runs(${leaseSecs / 3})`.execute(transaction);
    for (const { id, status } of rows) if (status === "READY") await delivery.send(id, transaction);
    return rows;
  });
}
