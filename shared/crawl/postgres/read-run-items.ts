import type { Pool } from "pg";
import { withRetry } from "../../db/retry.ts";
import type { Item } from "../run-storage.ts";

const ITEMS_A_PAGE = 500;

/** The items of a run's dataset in the order of first sight, a page of them in memory at a time; none when it has none. */
export async function* readRunItems(pool: Pool, runId: string, dataset: string): AsyncGenerator<Item> {
  const datasets = await withRetry(() =>
    pool.query<{ id: number; day: string }>(
      `select d.id, d.day from datasets d join runs r on r.number = d.run_number
      where r.id = $1 and d.name = $2`,
      [runId, dataset],
    ),
  );
  if (!datasets.rows[0]) return;
  const { id, day } = datasets.rows[0];
  for (let after = 0; ;) {
    const { rows } = await withRetry(() =>
      pool.query<{ place: number; item: Item }>(
        `select place, item from dataset_items
        where day = $1 and dataset_id = $2 and place > $3 order by place limit ${ITEMS_A_PAGE}`,
        [day, id, after],
      ),
    );
    for (const { item } of rows) yield item;
    if (rows.length < ITEMS_A_PAGE) return;
    after = rows.at(-1)!.place;
  }
}
