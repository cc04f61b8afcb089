import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { preparePlace } from "../../shared/db/embedded-place.ts";
import { ensureCluster, readRunning, startServer } from "../../shared/db/postgres-server.ts";

/** How a server ends: as for an upgrade, as with `pg_ctl stop -m immediate`, or with kill -9. */
export type Ending = "fast" | "immediate" | "killed";

const ROOT = path.resolve(import.meta.dirname, "../..");
const SIGNALS = { fast: "SIGINT", immediate: "SIGQUIT", killed: "SIGKILL" } as const;

/** A Postgres that nobody starts again by himself, as one of `DATABASE_URL`. */
export interface OwnServer {
  /** Of an empty database. */
  databaseUrl: string;
  stop(ending: Ending): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

export async function startOwnServer(): Promise<OwnServer> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "b9-server-"));
  chmodSync(folder, 0o755);
  const place = await preparePlace({ checkout: ROOT, databaseDir: folder, onNotice: () => {} });
  await ensureCluster(place);
  await startServer(place);
  const { socketDir } = (await readRunning(place.dataDir))!;
  const admin = new Client({ host: socketDir, user: "postgres", database: "postgres" });
  await admin.connect();
  await admin.query("create database crawled");
  await admin.end();
  const stop = async (ending: Ending) => {
    const pid = (await readRunning(place.dataDir))?.pid;
    if (pid === undefined) return;
    process.kill(pid, SIGNALS[ending]);
    while ((await readRunning(place.dataDir))?.pid === pid) await sleep(20);
  };
  return {
    databaseUrl: `postgres:///crawled?host=${encodeURIComponent(socketDir)}&user=postgres`,
    stop,
    start: () => startServer(place),
    async remove() {
      await stop("immediate");
      rmSync(folder, { recursive: true });
    },
  };
}
