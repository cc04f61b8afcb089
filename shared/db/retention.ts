import type { Pool } from "pg";
import { longTransaction, type Query } from "./long-transaction.ts";

/** How long logs, alerts and messages are kept where nobody has said otherwise. */
export const LOG_RETENTION_DAYS = 30;

/**
 * Removes items, requests, records and logs of runs that are older than `retentionDays`; tables and runs stay. Cheap
 * when there is nothing to do. Gives up, to be repeated later, when somebody is using what has to go.
 */
export async function dropExpired(pool: Pool, retentionDays: number): Promise<void> {
  await withoutQueueing(pool, (query) => query("select drop_expired($1)", [retentionDays]));
}

/**
 * Removes what was logged, alerted and sent to webhooks more than `retentionDays` ago; gives up as `dropExpired` does.
 * @returns how many days of `system_logs` went
 */
export async function dropOldLogs(pool: Pool, retentionDays: number): Promise<number> {
  const { rows } = await withoutQueueing(pool, (query) =>
    query<{ days: number }>("select drop_old_logs($1) as days", [retentionDays]),
  );
  return rows[0]!.days;
}

async function withoutQueueing<Result>(pool: Pool, work: (query: Query) => Promise<Result>): Promise<Result> {
  return longTransaction(pool, async (query) => {
    // Dropping a day stops whoever writes, so it must not queue behind a long reader.
    await query("set local lock_timeout = '5s'");
    return work(query);
  });
}
