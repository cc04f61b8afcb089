import { expect, it } from "vitest";
import { toJson } from "../../../../shared/crawl/local/json.ts";

it("is the text of plain data, without undefined fields", () => {
  const bare: Record<string, unknown> = Object.assign(Object.create(null), { c: [null, 0.5, "\t"] });
  expect(toJson({ a: 1, b: undefined, bare }, "value")).toBe('{"a":1,"bare":{"c":[null,0.5,"\\t"]}}');
});

const circular: Record<string, unknown> = {};
circular["self"] = circular;

it.each([
  { value: { a: [{ b: Number.NaN }] }, expected: "item 7 is not plain JSON: $.a[0].b is NaN" },
  { value: Infinity, expected: "item 7 is not plain JSON: $ is Infinity" },
  { value: undefined, expected: "item 7 is not plain JSON: $ is undefined" },
  { value: [1, undefined], expected: "item 7 is not plain JSON: $[1] is undefined" },
  { value: { at: new Date(0) }, expected: "item 7 is not plain JSON: $.at is a Date" },
  { value: { seen: new Set() }, expected: "item 7 is not plain JSON: $.seen is a Set" },
  { value: { run() {} }, expected: "item 7 is not plain JSON: $.run is function" },
  { value: { id: 1n }, expected: /^item 7 is not plain JSON: .*BigInt/ },
  { value: circular, expected: /^item 7 is not plain JSON: .*circular/ },
])("refuses what JSON would drop or bend: $expected", ({ value, expected }) => {
  expect(() => toJson(value, "item 7")).toThrow(expected);
});
