import { spawnSync } from "node:child_process";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** Writes the types of a migrated database's tables and views to `file`, formatted as the project is. */
export function generateTypes(databaseUrl: string, file: string): void {
  // As the parsers of database.ts: counts as numbers, days as text.
  const parsers = [
    "--type-mapping",
    '{"int8":"number"}',
    "--numeric-parser",
    "number",
    "--date-parser",
    "string",
  ];
  run("kysely-codegen", ["--dialect", "postgres", "--url", databaseUrl, "--out-file", file, ...parsers]);
  run("oxfmt", ["--config", path.join(ROOT, ".oxfmtrc.json"), file]);
}

function run(command: string, args: string[]): void {
  const bin = path.join(ROOT, "node_modules/.bin", command);
  const { status, stdout, stderr, error } = spawnSync(bin, args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr + stdout}`);
}

if (import.meta.main) {
  const [, , databaseUrl] = process.argv;
  if (!databaseUrl) throw new Error("expected the URL of a migrated database");
  generateTypes(databaseUrl, path.join(import.meta.dirname, "tables.ts"));
}
