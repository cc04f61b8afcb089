import { expect, it } from "vitest";
import { OutputLines, OutputQuota } from "../../../shared/runs/output-lines.ts";

const PART = 64 * 1024;

function reader(quota: Partial<ConstructorParameters<typeof OutputQuota>[0]> = {}) {
  const lines: string[] = [];
  const clock = { ms: 0 };
  const output = new OutputLines(
    new OutputQuota({ maxBytes: 1e9, ...quota }),
    (line) => lines.push(line),
    () => clock.ms,
  );
  return { lines, output, clock };
}

it("ends a line at LF, CR or both, wherever the chunks are cut", () => {
  const bytes = Buffer.from("a\nb\r\nc\rd\n\n\r\ne – ü");
  for (let size = 1; size <= bytes.length; size++) {
    const { lines, output } = reader();
    for (let at = 0; at < bytes.length; at += size) output.write(bytes.subarray(at, at + size));
    output.end();
    expect(lines).toEqual(["a", "b", "c", "d", "", "", "e – ü"]);
  }
});

it("cuts a line without an end between two characters, with a mark on either side", () => {
  const { lines, output } = reader();
  const text = `x${"😀".repeat(40_000)}`;
  for (const part of Buffer.from(`${text}\nnext\n`)
    .toString("latin1")
    .match(/[^]{1,7000}/g)!)
    output.write(Buffer.from(part, "latin1"));
  output.end();
  expect(lines.at(-1)).toBe("next");
  const parts = lines.slice(0, -1);
  expect(parts).toHaveLength(3);
  for (const part of parts) expect(Buffer.byteLength(part)).toBeLessThan(PART + 10);
  expect(parts.map((part) => [part.startsWith("…"), part.endsWith("…")])).toEqual([
    [false, true],
    [true, true],
    [true, false],
  ]);
  expect(parts.join("").replaceAll("…", "")).toBe(text);
});

it("keeps bytes that are no text as signs that say so", () => {
  const { lines, output } = reader();
  output.write(Buffer.concat([Buffer.alloc(PART, 0x80), Buffer.alloc(PART, 0xff), Buffer.from("\n")]));
  output.end();
  expect(lines.length).toBeLessThan(4);
  expect(lines.join("").replaceAll("…", "")).toMatch(/^\ufffd+$/);
});

it("of a flood keeps what a second may have, counts the rest, and shows the end", () => {
  const { lines, output, clock } = reader({ linesPerSec: 10, burstSecs: 2 });
  const numbers = (from: number, to: number) =>
    Buffer.from(Array.from({ length: to - from }, (_, n) => `line ${from + n}\n`).join(""));
  output.write(numbers(0, 1_000));
  expect(lines).toEqual(Array.from({ length: 20 }, (_, n) => `line ${n}`));
  clock.ms = 1_000;
  output.write(numbers(1_000, 3_000));
  expect(lines.slice(20, 22)).toEqual([
    expect.stringMatching(/^… 980 lines left out \(8,740 bytes\): /),
    "line 1000",
  ]);
  expect(lines).toHaveLength(31);
  output.write(Buffer.from("it died of this"));
  output.end();
  expect(lines[31]).toMatch(/^… [\d,]+ lines left out \(.*\): more than a log takes in a second$/);
  const shown = lines.length - 32;
  expect(lines[31]).toContain(` ${(1_991 - shown).toLocaleString("en")} lines`);
  expect(lines.at(-1)).toBe("it died of this");
});

it("of a short flood nothing is missing in the end", () => {
  const { lines, output } = reader({ linesPerSec: 1, burstSecs: 1 });
  output.write(Buffer.from("a\nb\nc"));
  output.end();
  expect(lines).toEqual(["a", "b", "c"]);
});

it("begins with a whole character behind what was left out", () => {
  const bytes = Buffer.from("😀".repeat(30_000));
  for (const at of [1, 2, 3]) {
    const { lines, output, clock } = reader({ linesPerSec: 1, burstSecs: 1 });
    output.write(Buffer.from("a\nb\n"));
    output.write(bytes.subarray(0, 20_000 + at));
    clock.ms = 1_000;
    output.write(bytes.subarray(20_000 + at));
    output.end();
    expect(lines.join("\n")).toContain("left out");
    expect(lines.join("\n")).not.toContain("\ufffd");
  }
});

it("says once that a log is full, and shows what comes last", () => {
  const { lines, output, clock } = reader({ maxBytes: 1_000 });
  for (let n = 0; n < 100; n++) {
    clock.ms += 1_000;
    output.write(Buffer.from(`${"x".repeat(100)}\n`));
  }
  expect(lines).toHaveLength(9);
  expect(lines[8]).toMatch(/^… the log is full/);
  output.write(Buffer.alloc(100_000, "\n"));
  output.write(Buffer.from("TypeError: no\n"));
  output.end();
  expect(lines[9]).toMatch(/^… [\d,]+ lines left out \([\d,]+ bytes\): the log is full$/);
  expect(lines.at(-1)).toBe("TypeError: no");
});

it("a million empty lines cost a fraction of a second", () => {
  const { lines, output } = reader();
  const startedAt = performance.now();
  for (let n = 0; n < 160; n++) output.write(Buffer.alloc(PART, "\n"));
  output.end();
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(lines.length).toBeLessThan(40_000);
});
