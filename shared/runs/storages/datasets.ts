import type { Pool } from "pg";
import { toDatabaseJson } from "../../crawl/postgres/database-json.ts";
import type { Item } from "../../crawl/run-storage.ts";
import { type DatasetName, itemKey } from "../../datasets.ts";
import { longTransaction } from "../../db/long-transaction.ts";
import { InvalidInputError } from "../../errors.ts";
import { showValue } from "../../parse/issues.ts";

/** A run's dataset. One that nothing was pushed to has no row yet, and no items. */
export interface Dataset {
  runId: string;
  runNumber: number;
  actor: string;
  name: string;
  /** Where its items are; `null`: it has none. */
  stored: { id: number; day: string } | null;
  createdAt: Date;
  /** Last change of its run. */
  modifiedAt: Date;
  itemCount: number;
}

export interface DatasetPage {
  limit: number;
  offset: number;
  /** Newest first. */
  desc: boolean;
}

/** Numbers among the values of a field, how often it is `null`, and how often an empty text, array or object. */
export interface FieldStatistics {
  min: number | null;
  max: number | null;
  nullCount: number;
  emptyCount: number;
}

const COLUMNS = `r.id as "runId", r.number as "runNumber", r.actor,
  case when d.id is not null then jsonb_build_object('id', d.id, 'day', d.day) end as stored,
  coalesce(d.created_at, r.created_at) as "createdAt",
  greatest(d.created_at, r.finished_at, r.started_at, r.created_at) as "modifiedAt"`;

const ITEM_COUNT = `coalesce((select sum(c.value) from run_counters c
  where c.run_number = r.number and c.counter = 'items:' || d.name), 0)::bigint as "itemCount"`;

/** `undefined` when there is no such run. Whether its actor has such a dataset is not looked at. */
export async function findDataset(pool: Pool, runId: string, name: string): Promise<Dataset | undefined> {
  const { rows } = await pool.query<Dataset>(
    `select ${COLUMNS}, $2::text as name, ${ITEM_COUNT}
    from runs r left join datasets d on d.run_number = r.number and d.name = $2 where r.id = $1`,
    [runId, name],
  );
  return rows[0];
}

/** Datasets that something was pushed to, in the order of their creation. */
export async function listDatasets(
  pool: Pool,
  { limit, offset, desc }: DatasetPage,
): Promise<{ items: Dataset[]; total: number }> {
  const [{ rows: items }, { rows: counts }] = await Promise.all([
    pool.query<Dataset>(
      `select ${COLUMNS}, d.name, ${ITEM_COUNT} from datasets d join runs r on r.number = d.run_number
      order by d.id ${desc ? "desc" : "asc"} limit $1 offset $2`,
      [limit, offset],
    ),
    pool.query<{ total: number }>("select count(*) as total from datasets"),
  ]);
  return { items, total: counts[0]!.total };
}

/** True where what is pushed is brought into a table as well, the current truth. */
export async function feedsTable(pool: Pool, { name }: Pick<Dataset, "name">): Promise<boolean> {
  const { rowCount } = await pool.query(
    "select from dataset_kinds where dataset = $1 and upsert is not null",
    [name],
  );
  return rowCount !== 0;
}

/**
 * Adds items by the dataset's key and merge rule, all or none.
 * @param json as `toItemsJson` makes it
 */
export async function pushItems(
  pool: Pool,
  { runNumber, name }: Pick<Dataset, "runNumber" | "name">,
  json: string,
): Promise<void> {
  await pool.query("select push_items($1, $2, $3)", [runNumber, name, json]);
}

/**
 * Items as `push_items` takes them.
 * @throws {InvalidInputError} naming the item that is no object, has no key, or is not plain JSON
 */
export function toItemsJson(dataset: string, items: readonly unknown[]): string {
  return `[${items.map((item, index) => toPushedJson(dataset as DatasetName, item, index)).join(",")}]`;
}

/** Removes the dataset's items. Nobody may be writing them: its run is over. */
export async function deleteDataset(
  pool: Pool,
  { runNumber, name }: Pick<Dataset, "runNumber" | "name">,
): Promise<void> {
  await longTransaction(pool, (query) => query("select delete_dataset($1, $2)", [runNumber, name]));
}

const MAX_FIELDS = 10_000;

/**
 * By top-level field. Reads the whole dataset.
 * @throws {InvalidInputError} when there are more fields than anybody can look at
 */
export async function readFieldStatistics(
  pool: Pool,
  { stored }: Pick<Dataset, "stored">,
): Promise<Record<string, FieldStatistics>> {
  if (!stored) return {};
  const { rows } = await pool.query<FieldStatistics & { field: string }>(
    `select f.key as field,
      min(f.value::numeric) filter (where jsonb_typeof(f.value) = 'number') as min,
      max(f.value::numeric) filter (where jsonb_typeof(f.value) = 'number') as max,
      count(*) filter (where f.value = 'null') as "nullCount",
      count(*) filter (where f.value in ('""', '[]', '{}')) as "emptyCount"
    from dataset_items i, jsonb_each(i.item) f where i.day = $1 and i.dataset_id = $2
    group by f.key order by f.key limit ${MAX_FIELDS + 1}`,
    [stored.day, stored.id],
  );
  if (rows.length > MAX_FIELDS)
    throw new InvalidInputError(`statistics: expected up to ${MAX_FIELDS} fields in the dataset`);
  return Object.fromEntries(rows.map(({ field, ...statistics }) => [field, statistics]));
}

/** `{key, item}` */
function toPushedJson(dataset: DatasetName, item: unknown, index: number): string {
  if (typeof item !== "object" || item === null || Array.isArray(item)) {
    throw new InvalidInputError(`items[${index}]: expected an object, got ${showValue(item)}`);
  }
  try {
    return toDatabaseJson({ key: itemKey(dataset, item as Item), item }, "item");
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new InvalidInputError(`items[${index}]: ${cause.message}`, { cause });
  }
}
