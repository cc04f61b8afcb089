import { describe, expect, it } from "vitest";
import {
  transformItems,
  type ItemTransforms,
  transformPages,
} from "../../../../shared/runs/storages/item-transforms.ts";

const NONE: ItemTransforms = {
  unwind: [],
  flatten: [],
  fields: null,
  omit: [],
  skipHidden: false,
  skipEmpty: false,
  outputFields: null,
};
const transform = (item: Record<string, unknown>, transforms: Partial<ItemTransforms>) =>
  transformItems([item], { ...NONE, ...transforms });

describe("unwind", () => {
  it("makes one item of each element, merged with its parent", () => {
    expect(transform({ a: 1, b: [{ c: 1 }, { c: 2, a: 3 }] }, { unwind: ["b"] })).toEqual([
      { a: 1, c: 1 },
      { a: 3, c: 2 },
    ]);
  });

  it("merges an object into its item", () => {
    expect(transform({ a: 1, b: { c: 2 } }, { unwind: ["b"] })).toEqual([{ a: 1, c: 2 }]);
  });

  it("takes the fields in their order", () => {
    const item = { b: [{ c: [{ d: 1 }, { d: 2 }] }, { c: [{ d: 3 }] }] };
    expect(transform(item, { unwind: ["b", "c"] })).toEqual([{ d: 1 }, { d: 2 }, { d: 3 }]);
    expect(transform(item, { unwind: ["c", "b"] })).toEqual(item.b);
  });

  it("keeps elements that are no objects under the field's name", () => {
    expect(transform({ a: 1, b: ["x", null] }, { unwind: ["b"] })).toEqual([
      { a: 1, b: "x" },
      { a: 1, b: null },
    ]);
  });

  it("loses no item that has nothing to unwind", () => {
    for (const item of [{ a: 1 }, { b: null }, { b: "x" }, { b: [] }])
      expect(transform(item, { unwind: ["b"] })).toEqual([item]);
  });
});

describe("flatten", () => {
  it("joins names by dots at any depth and leaves arrays and other fields", () => {
    const item = { foo: { bar: "hello", deep: { er: [1], none: {} } }, other: { x: 1 } };
    expect(transform(item, { flatten: ["foo"] })).toEqual([
      { "foo.bar": "hello", "foo.deep.er": [1], "foo.deep.none": {}, other: { x: 1 } },
    ]);
  });

  it("comes after unwind and before fields", () => {
    const item = { list: [{ foo: { bar: 1 } }] };
    expect(transform(item, { unwind: ["list"], flatten: ["foo"], fields: ["foo.bar"] })).toEqual([
      { "foo.bar": 1 },
    ]);
  });
});

describe("fields and omit", () => {
  it("keeps the fields in the order asked for", () => {
    const [item] = transform({ a: 1, b: 2, c: 3 }, { fields: ["c", "missing", "a"] });
    expect(Object.entries(item!)).toEqual([
      ["c", 3],
      ["a", 1],
    ]);
  });

  it("does not take inherited names for fields", () => {
    expect(transform({ a: 1 }, { fields: ["constructor", "a"] })).toEqual([{ a: 1 }]);
  });

  it("omits after it picks", () => {
    expect(transform({ a: 1, b: 2 }, { fields: ["a", "b"], omit: ["a"] })).toEqual([{ b: 2 }]);
  });

  it("renames what fields picked, whatever is missing", () => {
    const renaming = { fields: ["c", "missing", "a"], outputFields: ["C", "M", "A"] };
    expect(transform({ a: 1, b: 2, c: 3 }, renaming)).toEqual([{ C: 3, A: 1 }]);
  });
});

describe("skipHidden and skipEmpty", () => {
  it("drops hidden fields, then items that have none left", () => {
    const hidden = { "#debug": 1 };
    expect(transform(hidden, { skipHidden: true })).toEqual([{}]);
    expect(transform(hidden, { skipEmpty: true })).toEqual([hidden]);
    expect(transform(hidden, { skipHidden: true, skipEmpty: true })).toEqual([]);
  });

  it("drops items that have none of the fields asked for", () => {
    expect(transform({ a: 1 }, { fields: ["b"], skipEmpty: true })).toEqual([]);
  });
});

describe("rows", () => {
  const lists = (count: number, length: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`l${n}`, Array.from({ length }, () => n)]));
  const unwind = Array.from({ length: 8 }, (_, n) => `l${n}`);
  const rowsOf = (item: Record<string, unknown>, transforms: Partial<ItemTransforms>, size = 100) =>
    transformPages(
      (async function* () {
        yield [{ item, size }];
      })(),
      { ...NONE, ...transforms },
    );

  it("are made when they are asked for", async () => {
    const pages = rowsOf(lists(5, 10), { unwind }, 100_000);
    expect((await pages.next()).value!.length).toBeLessThan(10);
    await pages.return(undefined);
    let rows = 0;
    for await (const page of rowsOf(lists(5, 10), { unwind })) rows += page.length;
    expect(rows).toBe(100_000);
  });

  it("of an item are bounded, also those of lists that its elements bring along", () => {
    expect(() => transform(lists(8, 20), { unwind })).toThrow(
      "unwind: expected up to 100,000 rows of an item, got 25,600,000,000 or more",
    );
    const nested = {
      l0: Array.from({ length: 1_000 }, () => ({ l1: Array.from({ length: 1_000 }, () => 1) })),
    };
    expect(() => transform(nested, { unwind })).toThrow("got 100,001 or more");
  });

  it("whose names would grow without end are refused", () => {
    let deep: Record<string, unknown> = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [n, n]));
    for (let n = 0; n < 20; n++) deep = { ["k".repeat(1_000)]: deep };
    expect(() => transform({ deep }, { flatten: ["deep"] })).toThrow("flatten: ");
  });
});
