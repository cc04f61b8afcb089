import { expect, it } from "vitest";
import { formatLine, readLine } from "../../../shared/runs/log-lines.ts";

const now = new Date("2026-01-31T12:00:00.000Z");

it("reads a line of the program's log, and anything else as text of this moment", () => {
  const line = '{"level":"warn","time":"2026-01-30T10:00:00.500Z","budget":"main","msg":"wait"}';
  expect(readLine(line, now)).toEqual({
    at: new Date("2026-01-30T10:00:00.500Z"),
    level: "warn",
    message: "wait",
    context: { budget: "main" },
  });
  for (const text of ["    at main.ts:20", '{"level":"loud"}', '{"level":', '{"a":1}', ""])
    expect(readLine(text, now)).toEqual({ at: now, level: "info", message: text, context: null });
});

it("hides secrets in what is not the program's log, which hides its own", () => {
  expect(readLine("fetch http://user:pass@host/ failed", now).message).toBe(
    "fetch http://user:***@host/ failed",
  );
});

it("begins every line of text with the time, stacks included", () => {
  const head = "2026-01-31T12:00:00.000Z INFO ";
  const line = { at: now, level: "info" as const, message: "done", context: null };
  expect(formatLine(line)).toBe(`${head} done\n`);
  expect(formatLine({ ...line, context: { pages: 3 } })).toBe(`${head} done {"pages":3}\n`);
  expect(formatLine({ ...line, message: "a\nb\r\nc" })).toBe(`${head} a\n${head} b\n${head} c\n`);
  const err = { type: "Error", message: "no", stack: "Error: no\n    at x" };
  expect(formatLine({ ...line, context: { err, url: "u" } })).toBe(
    `${head} done {"url":"u"}\n${head} Error: no\n${head}     at x\n`,
  );
  expect(formatLine({ ...line, context: { err } })).toBe(
    `${head} done\n${head} Error: no\n${head}     at x\n`,
  );
});

it("replaces what a database cannot store, so that offsets stay true", () => {
  const line = { at: now, level: "info" as const, message: "a\0b\ud800c", context: null };
  expect(formatLine(line)).toBe("2026-01-31T12:00:00.000Z INFO  a\ufffdb\ufffdc\n");
});

it("takes a line that bends what a line may hold for text, or for what can be read of it", () => {
  const deep = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
  for (const text of [
    `{"level":"info","a":${deep}}`,
    '{"level":"info","a":1e999}',
    '{"level":{"toString":1}}',
    '{"level":"info"',
  ])
    expect(readLine(text, now)).toEqual({ at: now, level: "info", message: text, context: null });
  const odd = '{"level":"warn","time":{"toString":1},"msg":{"toString":1},"err":{"stack":{"toString":1}}}';
  expect(readLine(odd, now)).toMatchObject({ at: now, level: "warn", message: '{"toString":1}' });
  expect(formatLine(readLine(odd, now))).toContain('{"err":{"stack":{"toString":1}}}');
  expect(formatLine(readLine('{"level":"warn","err":null}', now))).toContain('{"err":null}');
  for (const time of ['"+200000-01-01T00:00:00Z"', '"1970-01-01T00:00:00Z"', "8e15", '"soon"'])
    expect(readLine(`{"level":"info","time":${time},"msg":"x"}`, now).at).toEqual(now);
});

it("writes no more than so many lines for one line of the log", () => {
  const text = formatLine({ at: now, level: "info", message: "a\n".repeat(10_000), context: null });
  expect(text.split("\n")).toHaveLength(502);
  expect(text).toMatch(/INFO {2}… 9,501 lines left out\n$/);
});
