import { Logger as BaseCrawleeLogger, LogLevel, log as crawleeLog } from "@crawlee/core";
import { type DestinationStream, destination, type Level, type Logger, pino, stdTimeFunctions } from "pino";
import pinoPretty from "pino-pretty";
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
    ? pinoPretty.prettyFactory({ translateTime: "SYS:HH:MM:ss" })
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

const LEVEL_OF = new Map<LogLevel, Level>([
  [LogLevel.ERROR, "error"],
  [LogLevel.SOFT_FAIL, "warn"],
  [LogLevel.WARNING, "warn"],
  [LogLevel.INFO, "info"],
  [LogLevel.DEBUG, "debug"],
  [LogLevel.PERF, "trace"],
]);

/**
 * Sends Crawlee's own log to `logger`. Loggers that Crawlee has derived before (its modules do so when they are
 * loaded) keep the old way: call it before a crawler is made.
 */
export function logCrawleeTo(logger: Logger): void {
  const level = [...LEVEL_OF].findLast(([, name]) => logger.isLevelEnabled(name))?.[0] ?? LogLevel.OFF;
  crawleeLog.setOptions({ logger: new CrawleeLogger(logger), level });
}

class CrawleeLogger extends BaseCrawleeLogger {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    super({});
    this.#logger = logger;
  }

  /** Crawlee has taken `exception` apart: it is an error's fields. */
  override _log(
    level: LogLevel,
    message: string,
    data?: object,
    exception?: unknown,
    { prefix, suffix }: { prefix?: string; suffix?: string } = {},
  ): string {
    const line = [prefix && `${prefix}:`, message, suffix].filter(Boolean).join(" ");
    this.#logger[LEVEL_OF.get(level) ?? "info"](
      { ...data, ...(exception != null && { err: Object.assign(new Error(), exception) }) },
      line,
    );
    return line;
  }
}
