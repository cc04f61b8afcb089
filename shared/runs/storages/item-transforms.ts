import type { Item } from "../../crawl/run-storage.ts";

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

export function transformItems(items: readonly Item[], transforms: ItemTransforms): Item[] {
  const { unwind, flatten, fields, omit, skipHidden, skipEmpty, outputFields } = transforms;
  const unwound = unwind.reduce<readonly Item[]>(
    (rows, field) => rows.flatMap((row) => unwindField(row, field)),
    items,
  );
  const renamed = new Map(outputFields?.map((name, index) => [fields?.[index], name]));
  const result: Item[] = [];
  for (const row of unwound) {
    let entries = Object.entries(row);
    if (flatten.length)
      entries = entries.flatMap(([name, value]) =>
        flatten.includes(name) ? flattenField(name, value) : [[name, value] as [string, unknown]],
      );
    if (fields) entries = pickFields(Object.fromEntries(entries), fields);
    if (omit.length) entries = entries.filter(([name]) => !omit.includes(name));
    if (skipHidden) entries = entries.filter(([name]) => !name.startsWith("#"));
    if (skipEmpty && entries.length === 0) continue;
    if (outputFields) entries = entries.map(([name, value]) => [renamed.get(name) ?? name, value]);
    result.push(Object.fromEntries(entries));
  }
  return result;
}

/** Nothing to unwind, an empty array included, leaves the item as it is: none is lost. */
function unwindField(item: Item, field: string): Item[] {
  const { [field]: value, ...rest } = item;
  if (Array.isArray(value)) {
    if (value.length === 0) return [item];
    return value.map((element: unknown) =>
      isObject(element) ? { ...rest, ...element } : { ...rest, [field]: element },
    );
  }
  return [isObject(value) ? { ...rest, ...value } : item];
}

function flattenField(name: string, value: unknown): [string, unknown][] {
  if (!isObject(value) || Object.keys(value).length === 0) return [[name, value]];
  return Object.entries(value).flatMap(([inner, field]) => flattenField(`${name}.${inner}`, field));
}

function pickFields(item: Item, fields: readonly string[]): [string, unknown][] {
  return fields.filter((name) => Object.hasOwn(item, name)).map((name) => [name, item[name]]);
}

function isObject(value: unknown): value is Item {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
