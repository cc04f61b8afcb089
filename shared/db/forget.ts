import type { Pool } from "pg";
import { longTransaction } from "./long-transaction.ts";
import { withRetry } from "./retry.ts";

/** Advisory lock that every commit shares; see migrations/000004_commit.sql. */
const COMMITS_LOCK = 919_003;

/**
 * Erases a person from tables, histories, datasets, queues, records and logs, and keeps them out. Reads the whole
 * database: minutes for millions of posts. Crawls may go on meanwhile.
 * @param kind `reddit_user` or `instagram_creator`
 * @param name the user name; of a creator also the id
 * @returns rows deleted by table, and rows in which a mention was blanked
 */
export async function forget(pool: Pool, kind: string, name: string): Promise<Record<string, number>> {
  await withRetry(() => pool.query("select suppress($1, $2)", [kind, name]));
  // Commits that began before the name was on the list may still bring the person: they end first.
  await withRetry(() => pool.query("select pg_advisory_xact_lock($1)", [COMMITS_LOCK]));
  return longTransaction(pool, async (query) => {
    const { rows } = await query<{ erased: Record<string, number> }>("select forget($1, $2) as erased", [
      kind,
      name,
    ]);
    return rows[0]!.erased;
  });
}
