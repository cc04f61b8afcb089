import { describe, expect, it } from "vitest";
import { previewJson } from "../../shared/preview.ts";

describe("a preview of JSON", () => {
  it.each([
    [1],
    ["a"],
    [null],
    [[]],
    [{}],
    [{ a: [1, { b: "c" }], d: true }],
    [JSON.parse('{"__proto__":1}')],
  ])("of a short value %j is all of it", (value) => expect(previewJson(value)).toBe(JSON.stringify(value)));

  it("of a long one is its beginning", () => {
    const long = { a: "\u{1f4a9}".repeat(100), b: [1, 2, 3] };
    expect(previewJson(long, 50)).toBe(`${JSON.stringify(long).slice(0, 50)}…`);
    const many = Array.from({ length: 1_000 }, (_, n) => ({ n, even: n % 2 === 0 }));
    expect(previewJson(many)).toBe(`${JSON.stringify(many).slice(0, 100)}…`);
  });

  it("looks at no more than it shows", () => {
    const trap = {
      get far(): never {
        throw new Error("looked at");
      },
    };
    expect(previewJson(["x".repeat(200), trap])).toMatch(/^\["x+…$/);
    expect(previewJson([...Array.from({ length: 200 }, () => 0), trap])).toMatch(/^\[0,/);
  });

  it("of nothing is nothing", () => expect(previewJson(undefined)).toBe("nothing"));
});
