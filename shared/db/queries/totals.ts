import type { Pool } from "pg";

export interface TableTotal {
  name: string;
  /** `null`: not known, for the table is not counted and was never analysed. */
  rows: number | null;
  /** False: counted as rows come and go. True: as of the last analysis. */
  is_estimate: boolean;
  /** Rows won (or lost, below 0) in 24 hours, by whole hours; null: not counted. */
  growth_24h: number | null;
  growth_7d: number | null;
}

/** Rows of a table that is counted, exactly; `undefined`: it is not. */
export async function readRowCount(pool: Pool, table: string): Promise<number | undefined> {
  await foldRowCounts(pool);
  const { rows } = await pool.query<{ rows: number }>(
    "select rows from row_count_totals where table_name = $1",
    [table],
  );
  return rows[0]?.rows;
}

/** How many rows each table has, the largest first. No row is looked at. */
export async function readTableTotals(pool: Pool): Promise<TableTotal[]> {
  await foldRowCounts(pool);
  const { rows } = await pool.query<TableTotal>(
    `select e.name, coalesce(c.rows, e.rows) as rows, c.rows is null as is_estimate, c.growth_24h, c.growth_7d
    from (
      -- Below 0: never analysed. A partition without a byte has no rows all the same.
      select root.relname as name,
        case when bool_or(part.reltuples >= 0) and not bool_or(part.reltuples < 0 and coalesce(pg_relation_size(part.oid), 0) > 0)
          then coalesce(sum(greatest(part.reltuples, 0)) filter (where part.relkind = 'r'), 0)::bigint end as rows
      from pg_class root
      cross join lateral (select relid from pg_partition_tree(root.oid) union select root.oid) tree
      join pg_class part on part.oid = tree.relid
      where root.relnamespace = current_schema()::regnamespace and root.relkind in ('r', 'p')
        and not root.relispartition
      group by root.relname
    ) e left join row_count_totals c on c.table_name = e.name
    order by 2 desc nulls last, 1`,
  );
  return rows;
}

/** What was counted since the last time is summed up by whoever reads it: nobody else has to care. */
async function foldRowCounts(pool: Pool): Promise<void> {
  await pool.query("select fold_row_counts()");
}

export interface Freshness {
  table: string;
  /** Share of the rows that were observed in the last 24 hours; null: there are none. */
  refreshed_24h: number | null;
  last_observed_at: Date | null;
}

/** Tables of things that are looked at again and again, each with an index on when that was. */
const OBSERVED = ["reddit_subreddits", "reddit_users", "instagram_creators"];

export function readFreshness(pool: Pool): Promise<Freshness[]> {
  return Promise.all(OBSERVED.map((table) => readFreshnessOf(pool, table)));
}

async function readFreshnessOf(pool: Pool, table: string): Promise<Freshness> {
  const { rows } = await pool.query<Omit<Freshness, "table">>(
    `select (select count(*)::double precision from ${table} where last_scraped_at > now() - interval '1 day')
        / nullif((select rows from row_count_totals where table_name = $1), 0) as refreshed_24h,
      (select max(last_scraped_at) from ${table}) as last_observed_at`,
    [table],
  );
  return { table, ...rows[0]! };
}
