import { setImmediate } from "node:timers/promises";
import type { Item } from "../../crawl/run-storage.ts";
import { InvalidInputError } from "../../errors.ts";
import type { SizedItem } from "./read-items.ts";

/** What is done to items on their way out, in this order. Names are those of top-level fields. */
export interface ItemTransforms {
  /** Each field in turn: an array becomes one item an element, an object is merged into its item. */
  unwind: readonly string[];
  /** `{ foo: { bar: 1 } }` becomes `{ "foo.bar": 1 }`, at any depth; arrays stay. */
  flatten: readonly string[];
  /** Kept, in this order; `null`: all. */
  fields: readonly string[] | null;
  omit: readonly string[];
  /** Drops fields whose name starts with `#`. */
  skipHidden: boolean;
  /** Drops items without a field. */
  skipEmpty: boolean;
  /** New names of `fields`, one each. */
  outputFields: readonly string[] | null;
}

/** Rows that one item may become: eight lists of twenty are 25 billion. */
const MAX_ROWS = 100_000;
/** Characters of all names that one item may get by flatten: deep items repeat the long ones. */
const MAX_FLAT_CHARS = 10_000_000;

/** @throws {InvalidInputError} as `transformPages` */
export function transformItems(items: readonly Item[], transforms: ItemTransforms): Item[] {
  const toRows = createTransform(transforms);
  return items.flatMap((item) => [...toRows(item)].filter((row) => row !== null));
}

/** Rows of one page together have less than this, or there is one. */
const PAGE_CHARS = 256 * 1024;
/** Nothing holds up the others for longer. */
const SLICE_MS = 10;

/**
 * The rows of items, some at a time; others get their turn between them.
 * @throws {InvalidInputError} as `transformItems`
 */
export async function* transformPages(
  pages: AsyncIterable<readonly SizedItem[]>,
  transforms: ItemTransforms,
): AsyncGenerator<Item[]> {
  const toRows = createTransform(transforms);
  let startedAt = performance.now();
  for await (const items of pages) {
    let page: Item[] = [];
    let chars = 0;
    for (const { item, size } of items) {
      for (const row of toRows(item)) {
        if (row) page.push(row);
        chars += size;
        if (chars < PAGE_CHARS && performance.now() - startedAt < SLICE_MS) continue;
        if (page.length) yield page;
        await setImmediate();
        startedAt = performance.now();
        page = [];
        chars = 0;
      }
    }
    if (page.length) yield page;
  }
}

/**
 * @returns what makes rows of an item, one when it is asked for it; `null`: there would be one, but it is dropped
 * @throws {InvalidInputError} naming unwind or flatten, when an item would become too much
 */
function createTransform(
  transforms: ItemTransforms,
): (item: Item) => Generator<Item | null, void, undefined> {
  const { unwind, fields, skipHidden, skipEmpty, outputFields } = transforms;
  const flatten = new Set(transforms.flatten);
  const omit = new Set(transforms.omit);
  const renamed = new Map(outputFields?.map((name, index) => [fields?.[index], name]));
  const toRow = (item: Item): Item | null => {
    let entries = Object.entries(item);
    if (flatten.size) entries = flattenFields(entries, flatten);
    if (fields) entries = pickFields(Object.fromEntries(entries), fields);
    if (omit.size) entries = entries.filter(([name]) => !omit.has(name));
    if (skipHidden) entries = entries.filter(([name]) => !name.startsWith("#"));
    if (skipEmpty && entries.length === 0) return null;
    if (outputFields) entries = entries.map(([name, value]) => [renamed.get(name) ?? name, value]);
    return Object.fromEntries(entries);
  };
  return function* (item) {
    let rows = countRows(item, unwind);
    if (rows > MAX_ROWS) throw tooManyRows(rows);
    rows = 0;
    for (const unwound of unwindItem(item, unwind)) {
      // What elements bring along was not counted.
      if (++rows > MAX_ROWS) throw tooManyRows(rows);
      yield toRow(unwound);
    }
  };
}

/** As far as the item's own lists tell. */
function countRows(item: Item, unwind: readonly string[]): number {
  return [...new Set(unwind)].reduce((rows, field) => {
    const value = item[field];
    return Array.isArray(value) && Object.hasOwn(item, field) ? rows * Math.max(1, value.length) : rows;
  }, 1);
}

function tooManyRows(rows: number): InvalidInputError {
  const [max, found] = [MAX_ROWS, rows].map((count) => count.toLocaleString("en"));
  return new InvalidInputError(`unwind: expected up to ${max} rows of an item, got ${found} or more`);
}

/** Nothing to unwind, an empty array included, leaves the item as it is: none is lost. */
function* unwindItem(item: Item, fields: readonly string[]): Generator<Item, void, undefined> {
  let row = item;
  for (const [index, field] of fields.entries()) {
    if (!Object.hasOwn(row, field)) continue;
    const { [field]: value, ...rest } = row;
    if (isObject(value)) row = { ...rest, ...value };
    if (!Array.isArray(value) || value.length === 0) continue;
    const others = fields.slice(index + 1);
    for (const element of value as unknown[]) {
      const next = isObject(element) ? { ...rest, ...element } : { ...rest, [field]: element };
      yield* unwindItem(next, others);
    }
    return;
  }
  yield row;
}

function flattenFields(
  entries: readonly [string, unknown][],
  flatten: ReadonlySet<string>,
): [string, unknown][] {
  let chars = 0;
  const flat: [string, unknown][] = [];
  const add = (name: string, value: unknown) => {
    if (!isObject(value) || Object.keys(value).length === 0) {
      flat.push([name, value]);
      return;
    }
    for (const [inner, field] of Object.entries(value)) {
      chars += name.length + inner.length + 1;
      if (chars > MAX_FLAT_CHARS)
        throw new InvalidInputError("flatten: expected shorter names, or less of them, in one item");
      add(`${name}.${inner}`, field);
    }
  };
  for (const [name, value] of entries) {
    if (flatten.has(name)) add(name, value);
    else flat.push([name, value]);
  }
  return flat;
}

function pickFields(item: Item, fields: readonly string[]): [string, unknown][] {
  return fields.filter((name) => Object.hasOwn(item, name)).map((name) => [name, item[name]]);
}

function isObject(value: unknown): value is Item {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
