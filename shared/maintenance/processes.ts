import { randomUUID } from "node:crypto";
import { statfs } from "node:fs/promises";
import os from "node:os";
import type { Database } from "../db/database.ts";

/** A server or worker process, as the others see it. */
export interface ProcessIdentity {
  id: string;
  kind: "server" | "worker";
  /** Shown to operators. */
  name: string;
}

export function identifyProcess(kind: ProcessIdentity["kind"], name: string): ProcessIdentity {
  return { id: randomUUID(), kind, name };
}

/** Tells that this process lives, what it holds in memory, and how much of the disk of `storageDir` is free. */
export async function tellAlive(
  { pool }: Pick<Database, "pool">,
  { id, kind, name }: ProcessIdentity,
  storageDir: string,
): Promise<void> {
  // A folder that is gone, or whose file system counts no blocks, has no room: the alert of full disks tells of it.
  const { bavail, blocks } = await statfs(storageDir).catch(() => ({ bavail: 0, blocks: 0 }));
  await pool.query(
    `insert into processes (id, kind, name, host, pid, memory_bytes, disk_free_ratio)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (id) do update set heartbeat_at = now(), memory_bytes = $6, disk_free_ratio = $7`,
    [id, kind, name, os.hostname(), process.pid, process.memoryUsage.rss(), blocks > 0 ? bavail / blocks : 0],
  );
}

/** It ends on purpose: nobody needs to wonder where it is. */
export async function tellGone({ pool }: Pick<Database, "pool">, { id }: ProcessIdentity): Promise<void> {
  await pool.query("delete from processes where id = $1", [id]);
}
