import { chmod, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { readConfig } from "../shared/config.ts";
import { type Database, openDatabase } from "../shared/db/database.ts";
import { acquireEmbedded } from "../shared/db/embedded.ts";
import { migrate } from "../shared/db/migrate.ts";

const ROOT = path.resolve(import.meta.dirname, "..");

/** A Postgres that is thrown away, with the settings of the embedded one. */
export interface BenchCluster {
  /** URL of a new, migrated database. */
  createDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startBenchCluster(): Promise<BenchCluster> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "b9-bench-"));
  // The server runs as a user of its own where this process is root.
  await chmod(folder, 0o755);
  const server = await acquireEmbedded({ checkout: ROOT, databaseDir: folder, onNotice: () => {} });
  const urlOf = (name: string) =>
    `postgres:///${name}?host=${encodeURIComponent(server.connection.host)}&user=postgres`;
  return {
    async createDatabase(name) {
      const admin = await openBenchDatabase(urlOf("postgres"), 1);
      await admin.pool.query(`create database ${name}`);
      await admin.close();
      const database = await openBenchDatabase(urlOf(name), 1);
      await migrate(database.pool);
      await database.close();
      return urlOf(name);
    },
    async stop() {
      await server.release();
      await rm(folder, { recursive: true });
    },
  };
}

/** @param max connections; a crawl has 3 */
export async function openBenchDatabase(url: string, max = 3): Promise<Database> {
  const config = readConfig(
    { DATABASE_URL: url, LOG_LEVEL: "error", STATEMENT_TIMEOUT_SECS: "3600" },
    "no .env file",
  );
  return openDatabase(config, { max, applicationName: "b9 bench" });
}
