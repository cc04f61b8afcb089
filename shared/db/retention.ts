import type { Pool } from "pg";
import { longTransaction } from "./long-transaction.ts";

/**
 * Removes items, requests and logs of runs that are older than `retentionDays`; tables stay. Cheap when there is
 * nothing to do. Gives up, to be repeated later, when somebody is using what has to go.
 */
export async function dropExpired(pool: Pool, retentionDays: number): Promise<void> {
  await longTransaction(pool, async (query) => {
    // Dropping a day stops whoever writes, so it must not queue behind a long reader.
    await query("set local lock_timeout = '5s'");
    await query("select drop_expired($1)", [retentionDays]);
  });
}
