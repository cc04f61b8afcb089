import { createRequire } from "node:module";
import { type DestinationStream, destination, type Level, type Logger, pino, stdTimeFunctions } from "pino";
import { redact } from "./redact.ts";

export interface LogOptions {
  level: Level | "silent";
  /** Lines for people instead of JSON. @default on a terminal */
  pretty?: boolean;
  /** @default stderr, for stdout belongs to results */
  stream?: DestinationStream;
}

/**
 * The log: lines for people on a terminal, JSON lines otherwise. Written synchronously, so that the last line
 * before an exit is there. Secrets are hidden in messages, fields and errors.
 */
export function createLogger({
  level,
  pretty = process.stderr.isTTY,
  stream = destination({ dest: 2, sync: true }),
}: LogOptions): Logger {
  const format = pretty
    ? loadPretty().prettyFactory({ translateTime: "SYS:HH:MM:ss" })
    : (record: object) => `${JSON.stringify(record)}\n`;
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
