import { stringify } from "csv-stringify/sync";
import type { Item } from "../../crawl/run-storage.ts";
import { csvOptions, type CsvStyle } from "../../csv.ts";
import { InvalidInputError } from "../../errors.ts";
import { printableJson } from "../../printable.ts";
import type { ItemText } from "./read-items.ts";

export interface FormatOptions extends CsvStyle {
  /** Columns of CSV in their order; `null`: all, by first sight. */
  columns: readonly string[] | null;
  /** A byte order mark in front. @default for CSV alone */
  bom?: boolean | undefined;
  /** CSV without its first line. */
  skipHeaderRow?: boolean | undefined;
}

/** Pages of items; each call reads the same ones anew. */
export type ItemPages = () => AsyncIterable<readonly Item[]>;

export const CONTENT_TYPES = {
  json: "application/json; charset=utf-8",
  jsonl: "application/jsonl; charset=utf-8",
  csv: "text/csv; charset=utf-8",
} as const;

export type ItemFormat = keyof typeof CONTENT_TYPES;

/** JSON and its lines take items as they are stored. */
export type TextFormat = Exclude<ItemFormat, "csv">;

/** Apify's limits of tables. */
const MAX_COLUMNS = 2_000;
const MAX_COLUMN_NAME = 200;

/** Items that nothing is done to. */
export async function* formatTexts(
  format: TextFormat,
  batches: AsyncIterable<readonly ItemText[]>,
  { bom = false }: Pick<FormatOptions, "bom">,
): AsyncGenerator<string> {
  const [first, between, last] = format === "json" ? ["[", ",\n", "]"] : ["", "\n", "\n"];
  const start = bom ? `\uFEFF${first}` : first;
  let before = start;
  for await (const texts of batches) {
    const parts = texts.map(({ text, isEnd }) => {
      const part = before + text;
      before = isEnd ? between : "";
      return part;
    });
    yield parts.join("");
  }
  const isEmpty = before === start;
  if (!isEmpty) yield last;
  else yield format === "json" ? `${start}]` : start;
}

/**
 * Items as text, a page at a time.
 * @throws {InvalidInputError} before the first part, when CSV would have too many columns
 */
export async function formatItems(
  format: ItemFormat,
  pages: ItemPages,
  options: FormatOptions,
): Promise<AsyncGenerator<string>> {
  const { bom = format === "csv" } = options;
  const text =
    format === "csv"
      ? await toCsv(pages, options)
      : format === "json"
        ? toJson(pages())
        : toJsonLines(pages());
  const shown = options.isPrinted && format !== "csv" ? withoutControls(text) : text;
  return bom ? withBom(shown) : shown;
}

async function* withoutControls(json: AsyncGenerator<string>): AsyncGenerator<string> {
  for await (const part of json) yield printableJson(part);
}

async function* withBom(text: AsyncGenerator<string>): AsyncGenerator<string> {
  // With the first part, so that whoever has that knows whether there is one.
  const first = await text.next();
  yield `\uFEFF${first.done ? "" : first.value}`;
  yield* text;
}

async function* toJson(pages: AsyncIterable<readonly Item[]>): AsyncGenerator<string> {
  let separator = "[";
  for await (const items of pages) {
    if (items.length === 0) continue;
    yield `${separator}${items.map((item) => JSON.stringify(item)).join(",\n")}`;
    separator = ",\n";
  }
  yield separator === "[" ? "[]" : "]";
}

async function* toJsonLines(pages: AsyncIterable<readonly Item[]>): AsyncGenerator<string> {
  for await (const items of pages) {
    if (items.length) yield items.map((item) => `${JSON.stringify(item)}\n`).join("");
  }
}

/** Items do not all carry the same fields: a first pass collects the columns. Each is written once. */
async function toCsv(pages: ItemPages, options: FormatOptions): Promise<AsyncGenerator<string>> {
  const columns = [...new Set(options.columns ?? (await collectColumns(pages())))];
  assertColumns(columns);
  return writeCsv(pages(), columns, options);
}

async function collectColumns(pages: AsyncIterable<readonly Item[]>): Promise<string[]> {
  const columns = new Set<string>();
  for await (const items of pages) {
    for (const item of items) for (const name of Object.keys(item)) columns.add(name);
    assertColumns([...columns]);
  }
  return [...columns];
}

function assertColumns(columns: readonly string[]): void {
  if (columns.length > MAX_COLUMNS)
    throw new InvalidInputError(
      `format: expected up to ${MAX_COLUMNS} columns in csv, got ${columns.length}; choose some with fields, or use jsonl`,
    );
  const long = columns.find((name) => name.length > MAX_COLUMN_NAME);
  if (long !== undefined)
    throw new InvalidInputError(
      `format: expected column names of up to ${MAX_COLUMN_NAME} characters in csv, got ${long.slice(0, 50)}… of ${long.length}`,
    );
}

async function* writeCsv(
  pages: AsyncIterable<readonly Item[]>,
  columns: readonly string[],
  { skipHeaderRow = false, ...style }: FormatOptions,
): AsyncGenerator<string> {
  const options = csvOptions(style);
  const write = (rows: readonly unknown[][]) => stringify(rows as unknown[][], options);
  if (!skipHeaderRow && columns.length) yield write([[...columns]]);
  for await (const items of pages) {
    const text = write(items.map((item) => columns.map((name) => item[name])));
    if (text) yield text;
  }
}
