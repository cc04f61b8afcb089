import { describe, expect, it } from "vitest";
import { parseBoundedJson } from "../../shared/bounded-json.ts";

const parse = (json: string) => parseBoundedJson(Buffer.from(json));
const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

describe("JSON within bounds", () => {
  it.each([
    '{"a":[1,-2.5e-3,true,null,"é\u{1f4a9}"],"b":{}}',
    '"[[[ \\" {{{ 1e999 \\\\"',
    '{"1e999":"9"}',
    "1.7976931348623157e308",
    "1e-999",
    "123456789012345678901234567890",
    nested(100),
    `[${Array.from({ length: 1_000 }, () => "[[]]").join(",")}]`,
    " [ 1 , 2 ] ",
  ])("is what it is: %s", (json) => expect(parse(json)).toEqual(JSON.parse(json)));

  it("may begin with a byte order mark", () => expect(parse('\uFEFF{"a":1}')).toEqual({ a: 1 }));

  it.each([
    [nested(101), "nested deeper than 100 levels"],
    ['{"a":'.repeat(200), "nested deeper"],
    ["1e309", "a number beyond"],
    ["[-1E+999]", "a number beyond"],
    ["9".repeat(309), "a number beyond"],
    ["1".repeat(1_001), "a number of 1001 signs"],
    [`0.${"1".repeat(100_000)}`, "a number of 100002 signs"],
    ['{"a":', "JSON"],
    ['"', "JSON"],
    ['"\\', "JSON"],
    ["", "JSON"],
  ])("is not %.20s…", (json, message) => {
    expect(() => parse(json)).toThrow(SyntaxError);
    expect(() => parse(json)).toThrow(message);
  });
});
