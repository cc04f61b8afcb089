import type { Pool } from "pg";

/** Lines of the plans, as they were carried out, of all statements that the functions in `sql` run. */
export async function explain(pool: Pool, sql: string): Promise<string[]> {
  const client = await pool.connect();
  const lines: string[] = [];
  client.on("notice", ({ message }) => lines.push(...(message ?? "").split("\n")));
  await client.query(
    `begin; load 'auto_explain'; set local auto_explain.log_min_duration = 0; set local auto_explain.log_analyze = on;
    set local auto_explain.log_nested_statements = on; set local client_min_messages = 'log'`,
  );
  await client.query(sql);
  await client.query("rollback");
  client.release(true);
  return lines;
}
