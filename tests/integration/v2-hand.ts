import type { Database } from "../../shared/db/database.ts";

/** Does by hand what a worker does to a run. */
export function handWorker({ pool }: Database) {
  return {
    /** The run is RUNNING, at attempt 1 if it is its first. */
    async lease(id: string): Promise<number> {
      const { rows } = await pool.query<{ leased: { attempt: number } }>(
        "select lease_run($1, 'hand', 300) as leased",
        [id],
      );
      return rows[0]!.leased.attempt;
    },
    /** Appends lines as a worker writes them. */
    async log(id: string, text: string): Promise<void> {
      await pool.query(
        `insert into run_logs (run_id, start_offset, text) values ($1, run_log_size($1), $2)`,
        [id, text],
      );
    },
    async finish(id: string, status: "SUCCEEDED" | "FAILED", message = "done"): Promise<void> {
      await pool.query("select finish_run($1, attempt, $2, $3, 0, '{}', '{}') from runs where id = $1", [
        id,
        status,
        message,
      ]);
    },
    async push(id: string, dataset: string, items: Record<string, unknown>[]): Promise<void> {
      const keyed = items.map((item, n) => ({ key: String(item["key"] ?? n), item }));
      await pool.query("select push_items(number, $2, $3) from runs where id = $1", [
        id,
        dataset,
        JSON.stringify(keyed),
      ]);
    },
    async enqueue(id: string, count: number): Promise<void> {
      const requests = Array.from({ length: count }, (_, n) => ({
        url: `https://site.test/${n}`,
        uniqueKey: `key ${n}`,
        label: "PAGE",
        userData: { n },
      }));
      await pool.query("select add_requests(number, $2) from runs where id = $1", [
        id,
        JSON.stringify(requests),
      ]);
    },
  };
}

export const line = (second: number, text: string) =>
  `2026-01-31T12:00:${String(second).padStart(2, "0")}.000Z INFO  ${text}\n`;
