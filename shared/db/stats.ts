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
  /** As of the last analysis: exact only when nothing was written since. Partitions are summed. */
  estimatedRows: number;
  /** With indexes and long values. */
  sizeBytes: number;
}

/** What is in the database, largest table first. */
export async function readStats(pool: Pool): Promise<DatabaseStats> {
  const server = await pool.query<Omit<DatabaseStats, "tables" | "runs">>(
    `select current_setting('server_version') as version, pg_database_size(current_database()) as "sizeBytes",
      (select name from migrations order by number desc limit 1) as migration,
      (select count(*) from pg_stat_activity where datname = current_database()) as connections`,
  );
  const tables = await pool.query<TableStats>(
    `select root.relname as name, sum(greatest(c.reltuples, 0))::bigint as "estimatedRows",
      sum(pg_total_relation_size(c.oid))::bigint as "sizeBytes"
    from pg_class root
    cross join lateral (
      select relid from pg_partition_tree(root.oid) union select root.oid
    ) part
    join pg_class c on c.oid = part.relid
    where root.relnamespace = current_schema()::regnamespace and root.relkind in ('r', 'p') and not root.relispartition
    group by root.relname order by "sizeBytes" desc, name`,
  );
  const runs = await pool.query<DatabaseStats["runs"][number]>(
    `select id, actor, status, count_requests(number) as requests
    from runs where finished_at is null order by created_at desc limit 20`,
  );
  return { ...server.rows[0]!, tables: tables.rows, runs: runs.rows };
}
