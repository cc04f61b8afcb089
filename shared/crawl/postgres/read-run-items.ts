import type { Pool } from "pg";
import { withRetry } from "../../db/retry.ts";
import { openWindow, readItemPages } from "../../runs/storages/read-items.ts";
import type { Item } from "../run-storage.ts";

/** The items of a run's dataset in the order of first sight, some of them in memory at a time; none when it has none. */
export async function* readRunItems(pool: Pool, runId: string, dataset: string): AsyncGenerator<Item> {
  const datasets = await withRetry(() =>
    pool.query<{ id: number; day: string }>(
      `select d.id, d.day from datasets d join runs r on r.number = d.run_number
      where r.id = $1 and d.name = $2`,
      [runId, dataset],
    ),
  );
  const stored = datasets.rows[0] ?? null;
  const window = await openWindow(pool, { stored }, { offset: 0, limit: null, desc: false }, {});
  for await (const items of readItemPages(pool, window, {})) yield* items;
}
