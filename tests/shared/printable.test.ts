import { describe, expect, it } from "vitest";
import { oneLine, printable, printableFields, printableJson } from "../../shared/printable.ts";

describe("printable", () => {
  it.each([
    ["colours", "\u001b[31mred\u001b[0m", "red"],
    ["the clipboard (OSC 52)", "a\u001b]52;c;AAAA\u0007b", "ab"],
    ["a title that ends by ST", "a\u001b]0;t\u001b\\b\u001b]0;t\u009cc", "abc"],
    ["8-bit sequences", "a\u009b31mb\u009d0;t\u0007c\u0090q\u009cd", "abcd"],
    ["a reset", "a\u001bcb\u001b(Bc", "abc"],
    ["a sequence that never ends", "a\u001b]52;c;AAAA", "a52;c;AAAA"],
    ["an escape at the end", "a\u001b", "a\ufffd"],
    ["backspaces and returns", "a\bb\rc\u007f", "a\ufffdb\ufffdc\ufffd"],
    ["text turned round", "a\u202eb\u2066c\u2069", "a\ufffdb\ufffdc\ufffd"],
    ["halves of signs", "a\ud800b", "a\ufffdb"],
    ["line ends of Windows", "a\r\nb\tc\n", "a\nb\tc\n"],
  ])("takes away %s", (_, text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it("leaves text as it is, whatever its script", () => {
    const text = "Grüße, שלום, 日本語, 👩‍👩‍👧, é, a‍b";
    expect(printable(text)).toBe(text);
  });

  it("takes a time that grows with the text alone", () => {
    const startedAt = performance.now();
    for (const part of ["\u001b]", "\u001b[", "\u001b[1;", "\u009d;", "\u001b"])
      printable(part.repeat(300_000));
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

it("makes one line of what stands in a cell", () => {
  expect(oneLine("a\r\nb\t\u2028c\nrun x: SUCCEEDED")).toBe("a b c run x: SUCCEEDED");
});

it("escapes in JSON what JSON leaves, and changes no value", () => {
  const value = { "k\u009b": "a\u001b\u007f\u0085\u202e\u2069\ud800 é" };
  const json = printableJson(JSON.stringify(value));
  expect(json).toBe('{"k\\u009b":"a\\u001b\\u007f\\u0085\\u202e\\u2069\\ud800 é"}');
  expect(JSON.parse(json)).toEqual(value);
});

it("goes through plain data, names of fields included", () => {
  expect(printableFields({ "a\u001b[1m\n": ["\u0007", { b: "\u009b1m", c: 1, d: null }] })).toEqual({
    "a ": ["\ufffd", { b: "", c: 1, d: null }],
  });
});
