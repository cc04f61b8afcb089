import type { Pool } from "pg";
import { type ColumnType, type Cursor, decodeCursor, encodeCursor } from "./cursor.ts";
import type { Filter } from "./filter.ts";

export interface Sort {
  /** Of the table; descending, nulls last, an index away. */
  column: string;
  type: ColumnType;
}

/** A table as a list: rows in an order, page after page by the last row's place in it. */
export interface ListTable {
  name: string;
  id: { column: string; type: ColumnType; /** @default asc */ order?: "asc" | "desc" };
  /** What a row shows: expressions over the alias `t`, by the name that they get. */
  columns: Readonly<Record<string, string>>;
  /** What it shows when asked for by `fields`. */
  extraColumns?: Readonly<Record<string, string>>;
  sorts: Readonly<Record<string, Sort>>;
}

export interface PageRequest {
  sort: string;
  filter: Filter;
  limit: number;
  /** `undefined`: the first page. */
  cursor: string | undefined;
  fields?: readonly string[] | undefined;
}

export interface Page {
  /** A JSON array, as Postgres has built it. */
  items: string;
  count: number;
  nextCursor: string | null;
}

/** The cursor of a list is not one that it gave. */
export class InvalidCursorError extends Error {
  override name = "InvalidCursorError";
}

/**
 * A page of `table`. Pages are found by the order's index, so the thousandth costs what the first does; rows that do
 * not change are on exactly one of them.
 * @throws {InvalidCursorError}
 */
export async function readPage(pool: Pool, table: ListTable, request: PageRequest): Promise<Page> {
  const { sort: sortName, limit } = request;
  const filter = request.filter.copy();
  const sort = table.sorts[sortName]!;
  const shape = { sort: sortName, valueType: sort.type, idType: table.id.type };
  const cursor = request.cursor === undefined ? null : decodeCursor(request.cursor, shape);
  if (cursor === undefined) throw new InvalidCursorError();
  const columns = { ...table.columns, ...pick(table.extraColumns ?? {}, request.fields ?? []) };
  const parts = cursor === null ? [filter.where()] : partsAfter(table, sort, filter, cursor);
  const order = `t.${sort.column} desc nulls last, t.${table.id.column} ${table.id.order ?? "asc"}`;
  // One more than asked for tells whether there is a next page.
  const max = filter.bind(limit + 1);
  const select = parts
    .map(
      (part) =>
        `(select ${rowOf(table, columns, sort)} from ${table.name} t ${part} order by ${order} limit ${max})`,
    )
    .join("\nunion all\n");
  const { rows } = await pool.query<{ items: string; count: number; value: string | null; id: string }>(
    `with found as materialized (
      select *, row_number() over () as n from (select * from (${select}) parts limit ${max}) page
    )
    select coalesce(json_agg(item order by n) filter (where n <= ${limit}), '[]')::text as items,
      count(*)::integer as count,
      max(value) filter (where n = ${limit}) as value, max(id) filter (where n = ${limit}) as id
    from found`,
    filter.values,
  );
  const { items, count, value, id } = rows[0]!;
  const isLast = count <= limit;
  return {
    items,
    count: Math.min(count, limit),
    nextCursor: isLast ? null : encodeCursor(shape, { value, id }),
  };
}

function rowOf(table: ListTable, columns: Readonly<Record<string, string>>, sort: Sort): string {
  const list = Object.entries(columns).map(([name, expression]) => `${expression} as "${name}"`);
  return `(select row_to_json(r) from (select ${list.join(", ")}) r) as item,
    t.${sort.column}::text as value, t.${table.id.column}::text as id`;
}

/**
 * What comes after the cursor, in up to three stretches of the index: the rest of its value, the smaller ones, those
 * without one. Each is exact; one condition over all of them would read its way through the whole value again.
 */
function partsAfter({ id }: ListTable, { column, type }: Sort, filter: Filter, cursor: Cursor): string[] {
  const after = `t.${id.column} ${id.order === "desc" ? "<" : ">"} ${filter.bind(cursor.id)}::${id.type}`;
  if (cursor.value === null) return [filter.where(`t.${column} is null`, after)];
  const value = `${filter.bind(cursor.value)}::${type}`;
  return [
    filter.where(`t.${column} = ${value}`, after),
    filter.where(`t.${column} < ${value}`),
    filter.where(`t.${column} is null`),
  ];
}

function pick(columns: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(columns).filter(([name]) => names.includes(name)));
}
