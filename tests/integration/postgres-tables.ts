import { isDeepStrictEqual } from "node:util";
import type { Pool } from "pg";
import { readRunItems } from "../../shared/crawl/postgres/read-run-items.ts";
import type { Item } from "../../shared/crawl/run-storage.ts";

/** Tables that datasets of their name go to, and the key of an item or row. */
export const TABLES: Record<string, (item: Item) => string> = {
  reddit_subreddits: (item) => String(item["name"]).toLowerCase(),
  reddit_posts: (item) => String(item["reddit_id"]),
  reddit_users: (item) => String(item["username"]).toLowerCase(),
};

/** Fields that tell of the collection, and are no columns. */
const OWN_FIELDS = ["observed_at", "source"];

/**
 * Compares the tables with the items of the only run that has written to them: every item a row, and nothing else, equal
 * in every field. A line a difference. What its author has deleted is blank in the table.
 * @param except fields that may differ
 */
export async function compareTables(
  pool: Pool,
  runId: string,
  except: readonly string[] = [],
): Promise<string[]> {
  const ignored = [...OWN_FIELDS, ...except];
  const differences: string[] = [];
  for (const [table, keyOf] of Object.entries(TABLES)) {
    const { rows } = await pool.query<{ row: Item }>(
      `select to_jsonb(t) as row from ${table} t where last_scraped_at is not null`,
    );
    const byKey = new Map(rows.map(({ row }) => [keyOf(row), row]));
    const items = await Array.fromAsync(readRunItems(pool, runId, table));
    if (byKey.size !== rows.length || rows.length !== items.length)
      differences.push(`${table}: ${items.length} items, ${rows.length} rows, ${byKey.size} keys`);
    for (const item of items)
      differences.push(
        ...compareRow(`${table} ${keyOf(item)}`, { item, row: byKey.get(keyOf(item)), ignored }),
      );
  }
  return differences;
}

function compareRow(
  name: string,
  { item, row, ignored }: { item: Item; row: Item | undefined; ignored: readonly string[] },
): string[] {
  if (!row) return [`${name}: no row`];
  const isBlank = (field: string) => row["deleted_at"] && row[field] === null;
  return Object.keys(item)
    .filter((field) => !ignored.includes(field) && !isBlank(field))
    .filter((field) => !isDeepStrictEqual(comparable(item[field]), comparable(row[field])))
    .map(
      (field) =>
        `${name}: ${field} is ${JSON.stringify(row[field])}, expected ${JSON.stringify(item[field])}`,
    );
}

/** One way to write a time. */
function comparable(value: unknown): unknown {
  return typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : value;
}
