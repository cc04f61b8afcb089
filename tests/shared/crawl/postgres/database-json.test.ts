import { describe, expect, it } from "vitest";
import { toDatabaseJson } from "../../../../shared/crawl/postgres/database-json.ts";

describe("toDatabaseJson", () => {
  it.each([
    { what: "NUL", value: "a\0b", stored: "a\uFFFDb" },
    { what: "the first half of a pair", value: "a\uD83Db", stored: "a\uFFFDb" },
    { what: "the second half of a pair", value: "\uDE00", stored: "\uFFFD" },
    { what: "two halves the wrong way round", value: "\uDE00\uD83D", stored: "\uFFFD\uFFFD" },
    { what: "NUL in a field's name", value: { "a\0": [1] }, stored: { "a\uFFFD": [1] } },
    { what: "NUL after a backslash", value: "\\\0", stored: "\\\uFFFD" },
  ])("replaces $what", ({ value, stored }) => {
    expect(JSON.parse(toDatabaseJson(value, "item"))).toEqual(stored);
  });

  it.each(["😀", "\\u0000", "\\\\ud83d", '\u0001\n\t"', "\uFFFF", "u0000"])("leaves %j alone", (text) => {
    expect(JSON.parse(toDatabaseJson({ text: [text] }, "item"))).toEqual({ text: [text] });
  });

  it("refuses what is not JSON, with its name", () => {
    expect(() => toDatabaseJson({ list: [NaN] }, "item 5")).toThrow(/item 5 .*\$\.list\[0\] is NaN/);
  });
});
