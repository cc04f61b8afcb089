import { describe, expect, it } from "vitest";
import { z } from "zod";
import { fromTold, told } from "../../../shared/parse/fields.ts";
import { listOf, partOf, readParts } from "../../../shared/parse/parts.ts";
import { UnexpectedShapeError } from "../../../shared/errors.ts";
import { readEach, readShape } from "../../../shared/parse/shape.ts";

const Thing = z.object({ names: listOf("names", z.string()), size: partOf("size", z.number()) });
const read = (value: unknown) => readParts("thing", () => readShape(Thing, value, "a thing"));

describe("a list", () => {
  it.each([
    [{ names: ["a", "b"] }, { names: ["a", "b"] }, []],
    [{ names: [] }, { names: [] }, []],
    [{ names: null }, { names: null }, []],
    [{}, {}, []],
    [{ names: ["a", 7, null, "b"] }, { names: ["a", "b"] }, ["thing/names"]],
    [{ names: [7, null] }, {}, ["thing/names"]],
    [{ names: "a" }, {}, ["thing/names"]],
    [{ names: { 0: "a" }, size: "?" }, {}, ["thing/names", "thing/size"]],
  ])("of %j is read as %j", (value, expected, parts) => {
    const { value: thing, skipped } = read(value);
    expect(thing).toEqual(expected);
    expect(skipped.map(({ id }) => id)).toEqual(parts);
  });

  it("says how many entries cannot be read, and why the first cannot", () => {
    const [skipped] = read({ names: ["a", 7, null] }).skipped;
    expect(skipped!.reason).toMatch(/^2 of 3 cannot be read: entry: .*expected string/);
  });
});

it("parts are told under the whole that they belong to, and not under one that cannot be read", () => {
  const { items, skipped } = readEach(
    [
      ["a", { names: [7, "x"] }],
      ["b", { names: ["y"] }],
      ["c", { names: [7, "x"], isBad: true }],
    ],
    (value: { names: unknown[]; isBad?: boolean }) => {
      const thing = readShape(Thing, value, "a thing");
      if (value.isBad) throw new UnexpectedShapeError("bad");
      return thing;
    },
  );
  expect(items).toEqual([{ names: ["x"] }, { names: ["y"] }]);
  expect(skipped.map(({ id }) => id)).toEqual(["a/names", "c"]);
  expect(readParts("next", () => 1)).toEqual({ value: 1, skipped: [] });
});

it("of several names the first value is told, else that there is none", () => {
  expect(told(undefined, null, 0, 5)).toBe(0);
  expect(told(undefined, null)).toBeNull();
  expect(told(undefined, undefined)).toBeUndefined();
  expect(told(null, false)).toBe(false);
});

it("of none follows none, and nothing of what is not told", () => {
  const length = (words: string | null | undefined) => fromTold(words, (some) => some.length);
  expect([length(""), length(null), length(undefined)]).toEqual([0, null, undefined]);
});
