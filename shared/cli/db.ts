import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { defineCommand } from "citty";
import { Client } from "pg";
import { toUsername as toCreatorName } from "../../actors/instagram/names.ts";
import { toUsername } from "../../actors/reddit/names.ts";
import { childEnvironment } from "../child-environment.ts";
import { readConfig, type Config } from "../config.ts";
import { openDatabase, type Database } from "../db/database.ts";
import { forget } from "../db/forget.ts";
import { migrate } from "../db/migrate.ts";
import { dropExpired, dropOldLogs, LOG_RETENTION_DAYS } from "../db/retention.ts";
import { SCALES, seed } from "../db/seed.ts";
import { readStats, type DatabaseStats, type TableStats } from "../db/stats.ts";
import { InvalidInputError } from "../errors.ts";
import { printJsonLine, printLine } from "./print.ts";

const migrateCommand = defineCommand({
  meta: { name: "migrate", description: "Bring the database's tables up to date" },
  run: () =>
    withDatabase(async ({ pool }) => {
      const applied = await migrate(pool);
      printLine(applied.length > 0 ? applied.map((name) => `applied ${name}`).join("\n") : "up to date");
    }),
});

const shellCommand = defineCommand({
  meta: { name: "shell", description: "psql on the database, which must be installed" },
  run: () =>
    withDatabase(async (database) => {
      process.exitCode = await runPsql(database);
    }),
});

const statsCommand = defineCommand({
  meta: { name: "stats", description: "What is in the database, and which runs are going on" },
  args: { json: { type: "boolean", description: "print it as JSON", default: false } },
  run: ({ args }) =>
    withDatabase(async ({ pool }) => {
      await migrate(pool);
      const stats = await readStats(pool);
      if (args.json) printJsonLine(stats);
      else printLine(formatStats(stats));
    }),
});

const seedCommand = defineCommand({
  meta: { name: "seed", description: "Fill empty Reddit tables with made-up rows, to measure on" },
  args: {
    scale: {
      type: "string",
      description: "small, or full: 34,682 subreddits, 309,608 users, 1.83 M posts",
      default: "small",
    },
  },
  run: ({ args }) =>
    withDatabase(async ({ pool }) => {
      const { scale } = args;
      if (!isScale(scale))
        throw new InvalidInputError(
          `--scale: expected ${Object.keys(SCALES).join(" or ")}, got ${JSON.stringify(scale)}`,
        );
      await migrate(pool);
      await seed(pool, scale, (table, rows, of) => printLine(`${table}: ${rows} of ${of}`));
    }),
});

const cleanCommand = defineCommand({
  meta: {
    name: "clean",
    description: "Remove what runs left behind before DATASET_RETENTION_DAYS, and logs older than 30 days",
  },
  run: () =>
    withDatabase(async ({ pool }, { datasetRetentionDays }) => {
      await migrate(pool);
      await dropExpired(pool, datasetRetentionDays);
      await dropOldLogs(pool, LOG_RETENTION_DAYS);
    }),
});

/** Reads how people are called, by kind; of a creator it may be the id. */
const PEOPLE: Record<string, (text: string) => string | null> = {
  reddit_user: toUsername,
  instagram_creator: toCreatorName,
};

const forgetCommand = defineCommand({
  meta: { name: "forget", description: "Erase a person everywhere, and keep them out from now on" },
  args: {
    kind: { type: "positional", description: "reddit_user or instagram_creator", required: true },
    name: {
      type: "positional",
      description: "user name, or address of the profile, or id of a creator",
      required: true,
    },
  },
  run: ({ args }) =>
    withDatabase(async ({ pool }) => {
      const name = PEOPLE[args.kind]?.(args.name) ?? null;
      if (name === null)
        throw new InvalidInputError(
          `expected reddit_user or instagram_creator and a user name, got ${args.kind} ${JSON.stringify(args.name)}`,
        );
      await migrate(pool);
      printJsonLine(await forget(pool, args.kind, name));
    }),
});

export const db = defineCommand({
  meta: { name: "db", description: "The database: migrate, shell, stats, seed, clean, forget" },
  subCommands: {
    migrate: migrateCommand,
    shell: shellCommand,
    stats: statsCommand,
    seed: seedCommand,
    clean: cleanCommand,
    forget: forgetCommand,
  },
});

async function withDatabase(work: (database: Database, config: Config) => Promise<void>): Promise<void> {
  const config = readConfig();
  const database = await openDatabase(config, { max: 3, applicationName: "b9 db" });
  try {
    await work(database, config);
  } finally {
    await database.close();
  }
}

/** What an operator has set for psql. @see https://www.postgresql.org/docs/current/app-psql.html */
const PSQL_VARIABLES = Object.keys(process.env).filter((name) =>
  /^(?:PG|PSQL_)|^(?:EDITOR|VISUAL|PAGER|LESS|COLUMNS|LINES|TERMINFO|COLORTERM)$/.test(name),
);

/** The server's own psql where it has one, else the machine's. Returns its exit code. */
async function runPsql({ pool, embeddedBinDir }: Database): Promise<number> {
  const { host, port, user = "", password, database = "" } = new Client(pool.options);
  const own = path.join(embeddedBinDir ?? "", "psql");
  const psql = spawn(embeddedBinDir && existsSync(own) ? own : "psql", [], {
    stdio: "inherit",
    // Not as arguments, which everybody on the machine can read.
    env: childEnvironment(
      {
        PGHOST: host,
        PGPORT: String(port),
        PGUSER: user,
        PGDATABASE: database,
        ...(password && { PGPASSWORD: password }),
      },
      PSQL_VARIABLES,
    ),
  });
  // Ctrl+C is psql's.
  process.on("SIGINT", () => undefined);
  try {
    const [code] = (await once(psql, "exit")) as [number | null];
    return code ?? 1;
  } catch (cause) {
    throw new InvalidInputError(
      `psql is not installed; any client can connect meanwhile: host=${host} port=${port} user=${user} dbname=${database}`,
      { cause },
    );
  }
}

function formatStats({ version, sizeBytes, migration, connections, tables, runs }: DatabaseStats): string {
  const width = Math.max(...tables.map(({ name }) => name.length));
  return [
    `Postgres ${version}, ${megabytes(sizeBytes)}, ${migration ?? "no migration"}, ${connections} connections`,
    ...tables.map(
      (table) =>
        `  ${table.name.padEnd(width)} ${formatRows(table).padStart(12)} rows ${megabytes(table.sizeBytes).padStart(12)}`,
    ),
    runs.length > 0 ? "runs that are not over:" : "no run is going on",
    ...runs.map(
      ({ id, actor, status, requests }) => `  ${id} ${actor} ${status} ${JSON.stringify(requests)}`,
    ),
  ].join("\n");
}

function formatRows({ rows, isEstimate }: TableStats): string {
  if (rows === null) return "unknown";
  return `${isEstimate ? "≈ " : ""}${rows.toLocaleString("en")}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function isScale(scale: string): scale is keyof typeof SCALES {
  return Object.hasOwn(SCALES, scale);
}
