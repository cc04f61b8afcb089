import { createRequire } from "node:module";
import { type Level, type Logger, pino, stdTimeFunctions } from "pino";
import { createLineWriter, type LineWriter } from "./output.ts";
import { printableFields, printableJson } from "./printable.ts";
import { redact } from "./redact.ts";

export interface LogOptions {
  level: Level | "silent";
  /** Lines for people instead of JSON. @default on a terminal */
  pretty?: boolean;
  /** @default stderr, for stdout belongs to results */
  stream?: LineWriter;
}

/**
 * The log: lines for people on a terminal, JSON lines otherwise. Written synchronously, so that the last line
 * before an exit is there; what cannot be written is dropped. Secrets are hidden in messages, fields and errors, and
 * nothing in them acts on a terminal.
 */
export function createLogger({
  level,
  pretty = process.stderr.isTTY,
  stream = createLineWriter(2),
}: LogOptions): Logger {
  const toLines = pretty ? loadPretty().prettyFactory({ translateTime: "SYS:HH:MM:ss" }) : null;
  const format = (record: object): string =>
    toLines?.(printableFields(record) as object) ?? `${printableJson(JSON.stringify(record))}\n`;
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // The one place that every line passes, the fields of child loggers included.
    { write: (line) => stream.write(format(redact(JSON.parse(line) as object))) },
  );
}

/** Loaded only where there is a terminal: servers and workers have none. */
function loadPretty(): typeof import("pino-pretty") {
  return createRequire(import.meta.url)("pino-pretty") as typeof import("pino-pretty");
}
