import { Logger as BaseCrawleeLogger, LogLevel, log as crawleeLog } from "@crawlee/core";
import type { Level, Logger } from "pino";

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
