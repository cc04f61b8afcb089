import { sql } from "kysely";
import { readNow } from "../db/clock.ts";
import type { Database } from "../db/database.ts";
import type { TaskServices } from "./tasks.ts";

export const MEGABYTE = 1024 * 1024;

export interface MemoryUse {
  /** `server web-1 (pid 4242 on host)`, `run x (worker w)`. */
  holder: string;
  bytes: number;
}

/**
 * What servers, workers and the children of workers hold at the moment, as they told last; largest first. A worker
 * inside a server is one process with it.
 */
export async function readMemory({ kysely }: Pick<Database, "kysely">, now: Date): Promise<MemoryUse[]> {
  const { rows } = await sql<MemoryUse>`
    select kind || ' ' || name || ' (pid ' || pid || ' on ' || host || ')' as holder, memory_bytes as bytes
    from processes where heartbeat_at > ${now}::timestamptz - interval '2 minutes'
    union all
    select 'run ' || id || ' (worker ' || worker || ')', (stats->>'memCurrentBytes')::bigint
    from runs where lease_expires_at > ${now}::timestamptz and stats ? 'memCurrentBytes'
    order by bytes desc`.execute(kysely);
  return rows;
}

/** Writes down what everybody holds, as a warning for those above ALERT_MEMORY_MBYTES. Alerts of it have a rule. */
export async function watchMemory({ database, config, log }: TaskServices): Promise<string> {
  const uses = await readMemory(database, await readNow(database.pool));
  const lines = uses.map(({ holder, bytes }) => ({
    source: "memory_monitor",
    level: bytes >= config.alertMemoryMbytes * MEGABYTE ? "warn" : "info",
    message: `${holder} holds ${megabytes(bytes)}`,
    context: { bytes },
  }));
  await database.pool.query("select write_logs($1)", [JSON.stringify(lines)]);
  const above = lines.filter(({ level }) => level === "warn");
  for (const { message } of above) log.warn(`${message}, the limit is ${config.alertMemoryMbytes} MB`);
  const sum = uses.reduce((total, { bytes }) => total + bytes, 0);
  return `${uses.length} processes hold ${megabytes(sum)}, ${above.length} are above ${config.alertMemoryMbytes} MB`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / MEGABYTE)} MB`;
}
