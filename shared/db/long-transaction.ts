import type { Pool, QueryResult, QueryResultRow } from "pg";

/** Runs one statement, or with no values several of them. */
export type Query = <Row extends QueryResultRow>(
  sql: string,
  values?: unknown[],
) => Promise<QueryResult<Row>>;

/** The longest that a timer of Node's can wait: 24 days. */
const FOREVER_MS = 2 ** 31 - 1;

/** One transaction whose statements may take as long as they need, on a connection of its own. */
export async function longTransaction<Result>(
  pool: Pool,
  work: (query: Query) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  const query: Query = (text, values) =>
    client.query({ text, ...(values && { values }), query_timeout: FOREVER_MS } as { text: string });
  try {
    await query("begin; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0");
    const result = await work(query);
    await query("commit");
    client.release();
    return result;
  } catch (error) {
    // The connection goes, and with it the transaction.
    client.release(true);
    throw error;
  }
}
