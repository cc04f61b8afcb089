import { z } from "zod";
import type { Column, ListTable } from "../../shared/db/queries/page.ts";
import { TABLE_COLUMNS } from "../../shared/db/table-columns.ts";

/** Rows of tables as the API's reference describes them: each column as the database has it. */

/** A row of a list: its columns, and those that `fields` adds. */
export function rowOf(table: ListTable) {
  return z.object({
    ...shapeOf(table, Object.keys(table.columns)),
    ...z.object(shapeOf(table, Object.keys(table.extraColumns ?? {}))).partial().shape,
  });
}

/** A thing by itself: all columns of its table, and what its list computes of the table alone. */
export function wholeRowOf(table: ListTable) {
  const computed = Object.keys(table.columns).filter((name) => Object.hasOwn(table.computed ?? {}, name));
  return z.object(shapeOf(table, [...Object.keys(columnsOf(table)), ...computed]));
}

/** Some columns of a table. */
export function partOf(table: ListTable, names: readonly string[]) {
  return z.object(shapeOf(table, names));
}

function shapeOf(table: ListTable, names: readonly string[]): Record<string, z.ZodType> {
  const columns = { ...columnsOf(table), ...table.computed };
  return Object.fromEntries(names.map((name) => [name, schemaOf(columns[name], `${table.name}.${name}`)]));
}

function columnsOf({ name }: ListTable): Record<string, Column> {
  return (TABLE_COLUMNS as Record<string, Record<string, Column>>)[name] ?? {};
}

const TYPES: Readonly<Record<string, () => z.ZodType>> = {
  text: () => z.string(),
  boolean: () => z.boolean(),
  smallint: () => z.int(),
  integer: () => z.int(),
  bigint: () => z.int(),
  real: () => z.number(),
  "double precision": () => z.number(),
  numeric: () => z.number(),
  date: () => z.string().meta({ format: "date" }),
  // As Postgres writes it: with microseconds and +00:00.
  "timestamp with time zone": () => z.string().meta({ format: "date-time" }),
  jsonb: () => z.unknown().meta({ type: ["object", "array", "string", "number", "boolean", "null"] }),
};

function schemaOf(column: Column | undefined, name: string): z.ZodType {
  if (!column) throw new Error(`${name}: table-columns.ts has no such column, and it is not computed`);
  const { nullable, description } = column;
  const [, element = "", list] = /^(.+?)(\[\])?$/.exec(column.type) ?? [];
  const make = TYPES[element];
  if (!make) throw new Error(`${name}: expected one of ${Object.keys(TYPES).join(", ")}, got ${column.type}`);
  const value = list ? z.array(make()) : make();
  // Any JSON may be null already.
  const schema = nullable && element !== "jsonb" ? value.nullable() : value;
  return description === undefined ? schema : schema.meta({ ...schema.meta(), description });
}
