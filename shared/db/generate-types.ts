import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { Client } from "pg";
import { LISTED_TABLES } from "./queries/listed-tables.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

/**
 * Writes what a migrated database has to `folder`, formatted as the project is: `tables.ts`, the types of its tables
 * and views, and `table-columns.ts`, the columns of those that the API lists.
 */
export async function generateTypes(databaseUrl: string, folder: string): Promise<void> {
  const tables = path.join(folder, "tables.ts");
  // As the parsers of database.ts: counts as numbers, days as text.
  const parsers = [
    "--type-mapping",
    '{"int8":"number"}',
    "--numeric-parser",
    "number",
    "--date-parser",
    "string",
  ];
  run("kysely-codegen", ["--dialect", "postgres", "--url", databaseUrl, "--out-file", tables, ...parsers]);
  const columns = path.join(folder, "table-columns.ts");
  writeFileSync(columns, await renderColumns(databaseUrl));
  run("oxfmt", ["--config", path.join(ROOT, ".oxfmtrc.json"), tables, columns]);
}

interface ColumnRow {
  table: string;
  name: string;
  type: string;
  nullable: boolean;
  description: string | null;
}

async function renderColumns(databaseUrl: string): Promise<string> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<ColumnRow>(
      `select c.relname as table, a.attname as name, format_type(a.atttypid, null) as type,
        not a.attnotnull as nullable, col_description(c.oid, a.attnum) as description
      from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = current_schema()::regnamespace and c.relname = any($1)
        and a.attnum > 0 and not a.attisdropped
      order by c.relname collate "C", a.attname collate "C"`,
      [LISTED_TABLES],
    );
    const tables = Object.groupBy(rows, ({ table }) => table);
    const code = Object.entries(tables).map(([table, columns = []]) => {
      const lines = columns.map(
        ({ name, type, nullable, description }) =>
          `    ${name}: ${JSON.stringify({ type, nullable, ...(description !== null && { description }) })},`,
      );
      return `  ${table}: {\n${lines.join("\n")}\n  },`;
    });
    return [
      "// Generated from a migrated database by `node shared/db/generate-types.ts <url>`.\n",
      "/** Columns of the tables that are listed, as the database has them. */",
      `export const TABLE_COLUMNS = {\n${code.join("\n")}\n} as const;\n`,
    ].join("\n");
  } finally {
    await client.end();
  }
}

function run(command: string, args: string[]): void {
  const bin = path.join(ROOT, "node_modules/.bin", command);
  const { status, stdout, stderr, error } = spawnSync(bin, args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr + stdout}`);
}

if (import.meta.main) {
  const [, , databaseUrl] = process.argv;
  if (!databaseUrl) throw new Error("expected the URL of a migrated database");
  await generateTypes(databaseUrl, import.meta.dirname);
}
