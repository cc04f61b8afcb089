import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Pool } from "pg";
import { DatabaseError } from "./errors.ts";
import { longTransaction, type Query } from "./long-transaction.ts";
import { withRetry } from "./retry.ts";

export interface Migration {
  number: number;
  /** Of its file. */
  name: string;
  sql: string;
  checksum: string;
}

const FOLDER = path.resolve(import.meta.dirname, "../../migrations");

/** Advisory lock of whoever migrates. */
const MIGRATION_LOCK = 919_002;

/** Which migrations were applied. */
const JOURNAL = `create table if not exists migrations (
    number integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
  );
  alter table migrations enable row level security`;

/**
 * Brings the database up to the newest migration; returns the names of those that were applied now. Harmless when
 * many start at once: each file is a transaction that takes the lock first and then looks whether the file is still
 * missing. (A lock of the session would stay behind with a connection that a transaction pooler gives to others.)
 * @throws {DatabaseError} when an applied file has changed, or the database is newer than this program
 */
export async function migrate(pool: Pool, folder: string = FOLDER): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const applied: string[] = [];
  for (let next = await nextMigration(pool, migrations); next; next = await nextMigration(pool, migrations)) {
    if (await applyOnce(pool, migrations, next)) applied.push(next.name);
  }
  return applied;
}

/**
 * The files of `folder`, `000001_….sql` and on, in their order.
 * @throws {DatabaseError} when a number is missing or there twice
 */
export async function readMigrations(folder: string = FOLDER): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (name, index) => {
      const number = Number(/^(\d{6})_/.exec(name)?.[1]);
      if (number !== index + 1)
        throw new DatabaseError(
          `${name}: expected number ${String(index + 1).padStart(6, "0")} in ${folder}`,
        );
      const sql = await readFile(path.join(folder, name), "utf8");
      return { number, name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

async function nextMigration(pool: Pool, migrations: readonly Migration[]): Promise<Migration | undefined> {
  const applied = await withRetry(() => readApplied((sql) => pool.query(sql)));
  assertKnown(applied, migrations);
  return migrations[applied.length];
}

/** False when somebody else has applied it meanwhile. */
async function applyOnce(
  pool: Pool,
  migrations: readonly Migration[],
  migration: Migration,
): Promise<boolean> {
  try {
    return await longTransaction(pool, async (query) => {
      await query(`select pg_advisory_xact_lock(${MIGRATION_LOCK}); ${JOURNAL}`);
      const applied = await readApplied(query);
      assertKnown(applied, migrations);
      if (applied.length >= migration.number) return false;
      await query(migration.sql);
      await query("insert into migrations (number, name, checksum) values ($1, $2, $3)", [
        migration.number,
        migration.name,
        migration.checksum,
      ]);
      return true;
    });
  } catch (cause) {
    if (cause instanceof DatabaseError) throw cause;
    throw new DatabaseError(`migration ${migration.name}: ${(cause as Error).message}`, { cause });
  }
}

type Applied = Pick<Migration, "number" | "name" | "checksum">;

async function readApplied(query: Query): Promise<Applied[]> {
  const { rows: tables } = await query<{ there: boolean }>(
    "select to_regclass('migrations') is not null as there",
  );
  if (!tables[0]!.there) return [];
  const { rows } = await query<Applied>("select number, name, checksum from migrations order by number");
  return rows;
}

function assertKnown(applied: readonly Applied[], migrations: readonly Migration[]): void {
  for (const [index, { name, checksum }] of applied.entries()) {
    const migration = migrations[index];
    if (!migration) {
      throw new DatabaseError(
        `the database has migration ${name}, this program knows ${migrations.length}: update the program`,
      );
    }
    if (migration.checksum !== checksum) {
      throw new DatabaseError(
        `migration ${migration.name} is not the one that was applied to the database (${name}): restore the file, and put changes into a new one`,
      );
    }
  }
}
