import { describe, expect, it } from "vitest";
import { parseJsonExact } from "../../../shared/crawl/json.ts";

describe("parseJsonExact", () => {
  it.each([
    ["3722942542216596724", "3722942542216596724"],
    ["-9007199254740993", "-9007199254740993"],
    ["9007199254740992", "9007199254740992"],
    ["9007199254740991", 9007199254740991],
    ["1234567890123456", 1234567890123456],
    ["0.12345678901234567", Number("0.12345678901234567")],
    ["12345678901234567.0", 12345678901234568],
    ["1e20", 1e20],
    ['"12345678901234567890"', "12345678901234567890"],
    ['"[12345678901234567890"', "[12345678901234567890"],
  ])("reads %s wherever it stands", (source, value) => {
    expect(parseJsonExact(source)).toBe(value);
    expect(parseJsonExact(`{"a":1, "b": ${source}\n}`)).toEqual({ a: 1, b: value });
    expect(parseJsonExact(`[12345678901234567890,\n\t${source}]`)).toEqual(["12345678901234567890", value]);
  });

  it.each(["", "{", '{"a":12345678901234567890', "undefined", "<html>"])("refuses %s", (text) => {
    expect(() => parseJsonExact(text)).toThrow(SyntaxError);
  });
});
