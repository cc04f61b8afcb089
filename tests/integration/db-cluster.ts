import { randomUUID } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { openDatabase, type Database, type DatabaseConfig } from "../../shared/db/database.ts";
import { acquireEmbedded } from "../../shared/db/embedded.ts";
import { migrate } from "../../shared/db/migrate.ts";
import { readRunning } from "../../shared/db/postgres-server.ts";

export interface TestCluster {
  /** A migrated database of its own; closed with the cluster. */
  createDatabase(settings?: Partial<DatabaseConfig>): Promise<Database>;
  /** Settings of an empty database, and of a migrated one. */
  createEmptyConfig(): Promise<DatabaseConfig>;
  createMigratedConfig(): Promise<DatabaseConfig>;
  /** Kills the server; it is started again by itself. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const ROOT = path.resolve(import.meta.dirname, "../..");

/** A Postgres for one test file, in a temporary folder. Databases are copies of one that was migrated once. */
export async function startCluster(): Promise<TestCluster> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "b9-cluster-"));
  chmodSync(folder, 0o755);
  const server = await acquireEmbedded({ checkout: ROOT, databaseDir: folder, onNotice: console.log });
  const configFor = (name: string): DatabaseConfig => ({
    databaseUrl: `postgres:///${name}?host=${encodeURIComponent(server.connection.host)}&user=postgres`,
    databaseDir: undefined,
    maxConnections: 5,
    statementTimeoutSecs: 60,
    logLevel: "silent",
  });
  const admin = await openDatabase(configFor("postgres"), { applicationName: "tests" });
  await admin.pool.query("create database template_b9");
  const template = await openDatabase(configFor("template_b9"), { applicationName: "tests" });
  try {
    await migrate(template.pool);
  } catch (error) {
    await Promise.all([template.close(), admin.close()]);
    await server.release();
    throw error;
  }
  await template.close();
  const open: Database[] = [admin];

  const create = async (source: string): Promise<DatabaseConfig> => {
    const name = `test_${randomUUID().replaceAll("-", "")}`;
    await admin.pool.query(`create database ${name} template ${source}`);
    return configFor(name);
  };
  return {
    createEmptyConfig: () => create("template0"),
    createMigratedConfig: () => create("template_b9"),
    async createDatabase(settings) {
      const config = { ...(await create("template_b9")), ...settings };
      const database = await openDatabase(config, { applicationName: "tests" });
      open.push(database);
      return database;
    },
    async kill() {
      process.kill((await readRunning(server.place.dataDir))!.pid, "SIGKILL");
    },
    async stop() {
      await Promise.all(open.map((database) => database.close()));
      await server.release();
      rmSync(folder, { recursive: true });
    },
  };
}
