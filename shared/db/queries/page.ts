import type { Pool } from "pg";
import { type ColumnType, type Cursor, type CursorShape, decodeCursor, encodeCursor } from "./cursor.ts";
import type { Filter } from "./filter.ts";

export interface Sort {
  /** Of the table; descending, nulls last, an index away. */
  column: string;
  type: ColumnType;
}

/** What a column holds, as the database names it. */
export interface Column {
  /** `timestamp with time zone`, `text[]`. */
  type: string;
  nullable: boolean;
  description?: string;
}

/** A table as a list: rows in an order, page after page by the last row's place in it. */
export interface ListTable {
  name: string;
  id: { column: string; type: ColumnType; /** @default asc */ order?: "asc" | "desc" };
  /** What a row shows: expressions over the alias `t`, by the name that they get. */
  columns: Readonly<Record<string, string>>;
  /** What it shows when asked for by `fields`. */
  extraColumns?: Readonly<Record<string, string>>;
  /** Of what it shows that is no column of the table. */
  computed?: Readonly<Record<string, Column>>;
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

/** A page ends before its limit rather than to have more than this. */
const PAGE_BYTES = 8_000_000;

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
  const sort = table.sorts[request.sort]!;
  const shape = { sort: request.sort, valueType: sort.type, idType: table.id.type };
  const cursor = request.cursor === undefined ? null : decodeCursor(request.cursor, shape);
  if (cursor === undefined) throw new InvalidCursorError();
  const read = (stretchesOf: (filter: Filter) => string[]) =>
    readStretches(pool, table, shape, request, stretchesOf);
  if (cursor === null) return read((filter) => [filter.where()]);
  if (cursor.isValueNew) {
    const page = await read((filter) => [nearStretch(table, sort, filter, cursor)]);
    if (page.nextCursor !== null) return page;
  }
  return read((filter) => stretchesAfter(table, sort, filter, cursor));
}

/** @param stretchesOf conditions of the stretches of the index that the page is taken from, one after the other */
async function readStretches(
  pool: Pool,
  table: ListTable,
  shape: CursorShape,
  request: PageRequest,
  stretchesOf: (filter: Filter) => string[],
): Promise<Page> {
  const { limit } = request;
  const sort = table.sorts[shape.sort]!;
  const filter = request.filter.copy();
  const columns = { ...table.columns, ...pick(table.extraColumns ?? {}, request.fields ?? []) };
  const stretches = stretchesOf(filter);
  const order = `t.${sort.column} desc nulls last, t.${table.id.column} ${table.id.order ?? "asc"}`;
  // One more than asked for tells whether there is a next page.
  const max = filter.bind(limit + 1);
  const select = stretches
    .map(
      (stretch) =>
        `(select ${rowOf(table, columns, sort)} from ${table.name} t ${stretch} order by ${order} limit ${max})`,
    )
    .join("\nunion all\n");
  const { rows } = await pool.query<{
    items: string;
    count: number;
    /** Null where nothing was found. */
    shown: number | null;
    first: string | null;
    value: string | null;
    id: string;
  }>(
    `with found as materialized (
      select *, row_number() over () as n, sum(octet_length(item::text)) over (rows unbounded preceding) as bytes
      from (select * from (${select}) parts limit ${max}) page
    ), shown as (
      select coalesce(max(n), 0) as shown from found where n <= ${limit} and (n = 1 or bytes <= ${PAGE_BYTES})
    )
    select coalesce(json_agg(item order by n) filter (where n <= shown), '[]')::text as items,
      count(*)::integer as count, max(shown)::integer as shown, max(value) filter (where n = 1) as first,
      max(value) filter (where n = shown) as value, max(id) filter (where n = shown) as id
    from found, shown`,
    filter.values,
  );
  // Taken out: a page is large, and what a query holds was seen to stay in memory until the next full collection.
  const { items, count, first, value, id, ...page } = rows.pop()!;
  const shown = page.shown ?? 0;
  const isLast = count === shown;
  return {
    items,
    count: shown,
    nextCursor: isLast
      ? null
      : encodeCursor(shape, { value, id, isValueNew: value !== null && value !== first }),
  };
}

function rowOf(table: ListTable, columns: Readonly<Record<string, string>>, sort: Sort): string {
  const list = Object.entries(columns).map(([name, expression]) => `${expression} as "${name}"`);
  return `(select row_to_json(r) from (select ${list.join(", ")}) r) as item,
    t.${sort.column}::text as value, t.${table.id.column}::text as id`;
}

/**
 * What comes after the cursor but rows without a value, as one stretch: it reads those of the cursor's value again, of
 * which there are less than a page. It fills nearly every page, and to plan all stretches takes as long as to read them.
 */
function nearStretch({ id }: ListTable, { column, type }: Sort, filter: Filter, cursor: Cursor): string {
  const value = `${filter.bind(cursor.value)}::${type}`;
  return filter.where(
    `t.${column} <= ${value}`,
    `(t.${column} < ${value} or ${isAfter(id, filter, cursor)})`,
  );
}

/**
 * What comes after the cursor, in up to three stretches of the index: the rest of its value, the smaller ones, those
 * without one. Each is exact; one condition over all of them would read its way through the whole value again.
 */
function stretchesAfter({ id }: ListTable, { column, type }: Sort, filter: Filter, cursor: Cursor): string[] {
  const after = isAfter(id, filter, cursor);
  if (cursor.value === null) return [filter.where(`t.${column} is null`, after)];
  const value = `${filter.bind(cursor.value)}::${type}`;
  return [
    filter.where(`t.${column} = ${value}`, after),
    filter.where(`t.${column} < ${value}`),
    filter.where(`t.${column} is null`),
  ];
}

function isAfter(id: ListTable["id"], filter: Filter, cursor: Cursor): string {
  return `t.${id.column} ${id.order === "desc" ? "<" : ">"} ${filter.bind(cursor.id)}::${id.type}`;
}

function pick(columns: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(columns).filter(([name]) => names.includes(name)));
}
