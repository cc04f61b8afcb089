import { describe, expect, it } from "vitest";
import {
  formatItems,
  formatTexts,
  type FormatOptions,
  type ItemFormat,
} from "../../../../shared/runs/storages/item-formats.ts";

type Items = Record<string, unknown>[];

async function format(as: ItemFormat, pages: Items[], options: Partial<FormatOptions> = {}): Promise<string> {
  const text = await formatItems(
    as,
    async function* () {
      yield* pages;
    },
    { columns: null, ...options },
  );
  return (await Array.fromAsync(text)).join("");
}

it("writes JSON that is one array over all pages", async () => {
  const pages = [[{ a: 1 }, { a: "ü" }], [], [{ a: null }]];
  expect(JSON.parse(await format("json", pages))).toEqual(pages.flat());
  expect(await format("json", [])).toBe("[]");
  expect(await format("json", [[]])).toBe("[]");
});

it("writes a line an item", async () => {
  expect(await format("jsonl", [[{ a: 1 }, { a: "x\ny" }], [{}]])).toBe('{"a":1}\n{"a":"x\\ny"}\n{}\n');
});

it("puts a byte order mark before CSV, before others on request", async () => {
  expect(await format("csv", [[{ a: 1 }]])).toBe("\uFEFFa\r\n1\r\n");
  expect(await format("csv", [[{ a: 1 }]], { bom: false })).toBe("a\r\n1\r\n");
  expect(await format("json", [[{ a: 1 }]], { bom: true })).toBe('\uFEFF[{"a":1}]');
});

describe("csv", () => {
  const csv = (pages: Items[], options: Partial<FormatOptions> = {}) =>
    format("csv", pages, { bom: false, ...options });

  it("has the columns of all items by first sight", async () => {
    expect(await csv([[{ b: 1 }], [{ a: true, b: null }]])).toBe("b,a\r\n1,\r\n,true\r\n");
  });

  it("has the columns asked for, there or not", async () => {
    expect(await csv([[{ b: 1, c: 2 }]], { columns: ["c", "x", "b"] })).toBe("c,x,b\r\n2,,1\r\n");
  });

  it("quotes what needs it and writes nested values as JSON", async () => {
    expect(await csv([[{ a: 'say "hi", you', b: [1], c: "x\ny" }]])).toBe(
      'a,b,c\r\n"say ""hi"", you",[1],"x\ny"\r\n',
    );
  });

  it("takes another delimiter and leaves the header out", async () => {
    expect(await csv([[{ a: "1,5", b: ";" }]], { delimiter: ";", skipHeaderRow: true })).toBe('1,5;";"\r\n');
  });

  it("defuses texts and names of columns that a spreadsheet would run, unless it is to be raw", async () => {
    const pages = [[{ "=a": "=1", b: -1 }]];
    expect(await csv(pages)).toBe("'=a,b\r\n'=1,-1\r\n");
    expect(await csv(pages, { raw: true })).toBe("=a,b\r\n=1,-1\r\n");
  });

  it("is empty without items", async () => {
    expect(await csv([])).toBe("");
  });

  it("refuses more than 2,000 columns, and names that are too long, before the first part", async () => {
    const wide = Object.fromEntries(Array.from({ length: 2_001 }, (_, n) => [`c${n}`, n]));
    await expect(csv([[wide]])).rejects.toThrow("expected up to 2000 columns in csv, got 2001");
    await expect(csv([[{ ["x".repeat(201)]: 1 }]])).rejects.toThrow("got xxxxx");
  });
});

describe("items as they are stored", () => {
  const whole = (text: string) => ({ text, isEnd: true });
  const part = (text: string) => ({ text, isEnd: false });
  const batches = [
    [whole('{"a":1}'), whole('{"a":2}')],
    [part('{"a":')],
    [part("3")],
    [whole("}")],
    [whole("{}")],
  ];
  const write = async (as: "json" | "jsonl", given: typeof batches, bom?: boolean) =>
    (
      await Array.fromAsync(
        formatTexts(
          as,
          (async function* () {
            yield* given;
          })(),
          { bom },
        ),
      )
    ).join("");

  it("come as json and lines, large ones put together", async () => {
    expect(JSON.parse(await write("json", batches))).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }, {}]);
    expect(await write("jsonl", batches)).toBe('{"a":1}\n{"a":2}\n{"a":3}\n{}\n');
    expect(await write("jsonl", batches, true)).toMatch(/^\uFEFF\{"a":1\}\n/);
  });

  it("may be none", async () => {
    expect(await write("json", [])).toBe("[]");
    expect(await write("json", [], true)).toBe("\uFEFF[]");
    expect(await write("jsonl", [])).toBe("");
  });
});
