import path from "node:path";
import { Kysely, PostgresDialect } from "kysely";
import { Client, Pool, types, type PoolConfig } from "pg";
import type { Config } from "../config.ts";
import { InvalidInputError } from "../errors.ts";
import { createLogger } from "../log.ts";
import { redact } from "../redact.ts";
import { steadyNow } from "../steady-clock.ts";
import { acquireEmbedded } from "./embedded.ts";
import { DatabaseError } from "./errors.ts";
import { isAway, isFull, REFUSED_SETTINGS, withRetry } from "./retry.ts";
import type { DB } from "./tables.ts";

export interface Database {
  /** For reads. Writes of a run are SQL functions. */
  kysely: Kysely<DB>;
  pool: Pool;
  /** Folder of the embedded server's programs; `null` for another server. */
  embeddedBinDir: string | null;
  /** Ends the pool, and the embedded server with its last user. Safe to call twice. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Connections at the most. @default MAX_CONNECTIONS */
  max?: number;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
  /** Others start the embedded server, and again when it has ended. @default false */
  waitsForServer?: boolean;
  /** What happens to connections. @default the program's log */
  log?: Log;
}

type Log = Pick<ReturnType<typeof createLogger>, "info" | "warn">;

export type DatabaseConfig = Pick<
  Config,
  "databaseUrl" | "databaseDir" | "maxConnections" | "statementTimeoutSecs" | "logLevel"
>;

const CHECKOUT = path.resolve(import.meta.dirname, "../..");

/** Oldest Postgres that the migrations work on. */
const MIN_VERSION = 150_000;

/** A wrong address must not look like a program that hangs. */
const START_PATIENCE_MS = 30_000;

/**
 * Connects to the database of `DATABASE_URL`, or to the checkout's own one, which is started if need be. Tables are
 * there after `migrate`. Connections that break are replaced; a statement that was on its way fails, and `withRetry`
 * repeats it.
 * @throws {DatabaseError} when it cannot be reached, or is too old
 * @throws {InvalidInputError} when DATABASE_URL says what no connection can be made with
 */
export async function openDatabase(
  config: DatabaseConfig,
  {
    max = config.maxConnections,
    applicationName,
    waitsForServer,
    log = createLogger({ level: config.logLevel }),
  }: DatabaseOptions,
): Promise<Database> {
  if (config.databaseUrl !== undefined) assertConnectable(config.databaseUrl);
  const embedded = config.databaseUrl
    ? null
    : await acquireEmbedded({
        checkout: CHECKOUT,
        databaseDir: config.databaseDir,
        waitsForServer,
        onNotice: (text) => log.info(text),
      });
  const pool = new Pool({
    ...(embedded?.connection ?? { connectionString: config.databaseUrl }),
    ...timeouts(config),
    max,
    application_name: applicationName,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    types: { getTypeParser },
  });
  logOutages(pool, log);
  const kysely = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
  let closed: Promise<void> | null = null;
  const close = async () => {
    await pool.end();
    await embedded?.release();
  };
  const embeddedBinDir = embedded?.place.binDir ?? null;
  const database = { kysely, pool, embeddedBinDir, close: () => (closed ??= close()) };
  try {
    await assertUsable(pool, log);
  } catch (cause) {
    await database.close();
    if (cause instanceof DatabaseError) throw cause;
    const { message } = cause as Error;
    const remedy = REFUSED_SETTINGS.test(message)
      ? "; this is a pooler: add ?pgbouncer=true to DATABASE_URL"
      : "";
    throw new DatabaseError(`the database cannot be used: ${message}${remedy}`, { cause });
  }
  return database;
}

/** Files that it names, as of certificates, are read. */
function assertConnectable(connectionString: string): void {
  const prepare = () => new Client({ connectionString });
  try {
    prepare();
  } catch (cause) {
    throw new InvalidInputError(
      `DATABASE_URL: expected one to connect with: ${redact((cause as Error).message)}`,
      { cause },
    );
  }
}

/**
 * True for a pooler that hands out a server connection a transaction: what a session sets or prepares by name would
 * meet other clients. Supabase's listens on port 6543; others are marked as Prisma does, by `?pgbouncer=true`.
 */
export function isTransactionPooler(url: string): boolean {
  const { port, searchParams } = new URL(url);
  return port === "6543" || searchParams.get("pgbouncer") === "true";
}

/** A transaction pooler refuses settings at the start of a connection; there the client alone gives up. */
function timeouts({ databaseUrl, statementTimeoutSecs }: DatabaseConfig): PoolConfig {
  const timeoutMs = statementTimeoutSecs * 1000;
  // A little longer than the server's own, for a network that swallows its answer.
  const client = { query_timeout: timeoutMs + 5_000 };
  if (databaseUrl && isTransactionPooler(databaseUrl)) return client;
  return { ...client, statement_timeout: timeoutMs, idle_in_transaction_session_timeout: 60_000 };
}

/** A database that stays full is told of so often. */
const FULL_EVERY_MS = 60_000;

/** One line when connections break, however many, and one when the next one stands; one a minute while it is full. */
function logOutages(pool: Pool, log: Log): void {
  let awaySince: number | null = null;
  let fullToldAt = -Infinity;
  const onAway = ({ message }: Error) => {
    if (awaySince !== null || pool.ending) return;
    awaySince = steadyNow();
    log.warn(`the database is away: ${message}; what needs it waits`);
  };
  // An idle connection was lost. Without a listener that would end the process.
  pool.on("error", onAway);
  // A busy one: its statement has failed.
  pool.on("release", (error) => {
    if (isAway(error)) onAway(error);
    if (!isFull(error) || performance.now() - fullToldAt < FULL_EVERY_MS) return;
    fullToldAt = performance.now();
    log.warn(`the database can store nothing: ${error.message}; what needs it waits`);
  });
  pool.on("connect", (client) => {
    // One that is lent out and has no statement under way, as between those of a transaction: nobody else would hear.
    client.on("error", onAway);
    if (awaySince === null) return;
    log.info(`the database is back after ${((steadyNow() - awaySince) / 1000).toFixed(1)} s`);
    awaySince = null;
  });
}

async function assertUsable(pool: Pool, log: Log): Promise<void> {
  let isWaiting = false;
  const { rows } = await withRetry(
    () => pool.query<{ version: number }>("select current_setting('server_version_num')::integer as version"),
    {
      maxMs: START_PATIENCE_MS,
      onRetry({ message }) {
        if (!isWaiting) log.warn(`waiting up to ${START_PATIENCE_MS / 1000} s for the database: ${message}`);
        isWaiting = true;
      },
    },
  );
  const version = rows[0]!.version;
  if (version < MIN_VERSION)
    throw new DatabaseError(`expected Postgres 15 or newer, got ${Math.floor(version / 10_000)}`);
}

/** Counts and sums as numbers, a day as its text: what `pg` would make of them is no use. */
const PARSERS: Record<number, (text: string) => unknown> = {
  [types.builtins.INT8]: Number,
  [types.builtins.NUMERIC]: Number,
  [types.builtins.DATE]: (text) => text,
};

const getTypeParser = ((oid: number, format?: "text" | "binary") =>
  (format !== "binary" && PARSERS[oid]) || types.getTypeParser(oid, format)) as typeof types.getTypeParser;
