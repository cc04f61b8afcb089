import { describe, expect, it } from "vitest";
import { type CursorShape, decodeCursor, encodeCursor } from "../../../../shared/db/queries/cursor.ts";

const shape = (
  valueType: CursorShape["valueType"],
  idType: CursorShape["idType"] = "integer",
): CursorShape => ({
  sort: "s",
  valueType,
  idType,
});
const made = (value: unknown, id: unknown = "1", sort = "s", isValueNew: unknown = false) =>
  Buffer.from(JSON.stringify([sort, value, id, isValueNew])).toString("base64url");

describe("cursors", () => {
  it.each<[CursorShape["valueType"], string | null]>([
    ["integer", "-5"],
    ["bigint", "9007199254740993"],
    ["double precision", "1.0000000025254703"],
    ["double precision", "1e-07"],
    ["timestamptz", "2026-11-22 13:39:38.285336+00"],
    ["timestamptz", "2026-11-22 13:39:38+05:30"],
    ["text", "t3_é"],
    ["integer", null],
  ])("come back as they went: %s %s", (valueType, value) => {
    const cursor = { value, id: "7", isValueNew: valueType === "bigint" };
    expect(decodeCursor(encodeCursor(shape(valueType), cursor), shape(valueType))).toEqual(cursor);
  });

  it.each<[string, CursorShape, string]>([
    ["no JSON", shape("integer"), "nonsense"],
    ["another order", shape("integer"), made("1", "1", "other")],
    ["SQL", shape("integer"), made("1; drop table runs")],
    ["too large a number", shape("integer"), made("2147483648")],
    ["a number, not its text", shape("integer"), made(1)],
    ["no date", shape("timestamptz"), made("2026-99-99 00:00:00+00")],
    ["a NUL", shape("text"), made("a\0")],
    ["another id", shape("integer"), made("1", "x")],
    ["no id", shape("integer"), made("1", null)],
    ["half a word on its value", shape("integer"), made("1", "1", "s", "yes")],
    ["too little", shape("integer"), Buffer.from("[]").toString("base64url")],
  ])("with %s are none", (_, of, text) => {
    expect(decodeCursor(text, of)).toBeUndefined();
  });
});
