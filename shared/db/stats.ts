import type { Pool } from "pg";

export interface DatabaseStats {
  /** As the server tells it, `18.4`. */
  version: string;
  sizeBytes: number;
  /** File name of the newest migration. */
  migration: string | null;
  /** Connections of all processes, this one included. */
  connections: number;
  tables: TableStats[];
  /** Runs that are not over, the newest first, at most 20. */
  runs: { id: string; actor: string; status: string; requests: Record<string, number> }[];
}

export interface TableStats {
  name: string;
  /** Partitions are summed. `null`: not known, for there is neither a count nor an analysis. */
  rows: number | null;
  /** The server's own count of what was written and deleted: it may be off after a crash, or for a second. */
  isEstimate: boolean;
  /** With indexes and long values. */
  sizeBytes: number;
}

/** Tables up to this size are counted row by row: half a second each at the most. */
const COUNTED_BYTES = 64 * 1024 * 1024;

/** What is in the database, largest table first. */
export async function readStats(pool: Pool): Promise<DatabaseStats> {
  const server = await pool.query<Omit<DatabaseStats, "tables" | "runs">>(
    `select current_setting('server_version') as version, pg_database_size(current_database()) as "sizeBytes",
      (select name from migrations order by number desc limit 1) as migration,
      (select count(*) from pg_stat_activity where datname = current_database()) as connections`,
  );
  const runs = await pool.query<DatabaseStats["runs"][number]>(
    `select id, actor, status, count_requests(number) as requests
    from runs where finished_at is null order by created_at desc limit 20`,
  );
  return { ...server.rows[0]!, tables: await readTables(pool), runs: runs.rows };
}

async function readTables(pool: Pool): Promise<TableStats[]> {
  // What was analysed last is told where the server has lost its counts.
  const { rows: tables } = await pool.query<TableStats>(
    `select root.oid::regclass::text as name,
      case when bool_and(coalesce(known.rows >= 0, false)) then sum(known.rows)::bigint end as rows,
      sum(pg_relation_size(c.oid)) > ${COUNTED_BYTES} as "isEstimate",
      sum(pg_total_relation_size(c.oid))::bigint as "sizeBytes"
    from pg_class root
    cross join lateral (
      select relid from pg_partition_tree(root.oid) union select root.oid
    ) part
    join pg_class c on c.oid = part.relid
    left join pg_stat_user_tables s on s.relid = c.oid
    cross join lateral (
      select case when c.relkind = 'p' or pg_relation_size(c.oid) = 0 then 0
        else coalesce(nullif(s.n_live_tup, 0), c.reltuples) end as rows
    ) known
    where root.relnamespace = current_schema()::regnamespace and root.relkind in ('r', 'p') and not root.relispartition
    group by root.oid order by "sizeBytes" desc, name`,
  );
  const counted = tables.filter(({ isEstimate }) => !isEstimate);
  const { rows: counts } = await pool.query<{ name: string; rows: number }>(
    counted.map(({ name }) => `select '${name}' as name, count(*) as rows from ${name}`).join(" union all "),
  );
  const exact = new Map(counts.map(({ name, rows }) => [name, rows]));
  return tables.map((table) => ({ ...table, rows: exact.get(table.name) ?? table.rows }));
}
