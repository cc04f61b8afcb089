import { log as crawleeLog, LogLevel } from "@crawlee/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { logCrawleeTo } from "../../../shared/crawl/crawlee-log.ts";
import { createLogger, type LogOptions } from "../../../shared/log.ts";

let written: string;
beforeEach(() => (written = ""));

function logger(options: Partial<LogOptions> = {}) {
  return createLogger({
    level: "info",
    pretty: false,
    stream: { write: (line) => (written += line) },
    ...options,
  });
}
const records = () =>
  written
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

describe("logCrawleeTo", () => {
  const before = crawleeLog.getOptions();
  afterEach(() => crawleeLog.setOptions(before));

  it("gives Crawlee's messages our form, levels and redaction", () => {
    logCrawleeTo(logger({ level: "debug" }));
    const log = crawleeLog.child({ prefix: "Crawler" });
    log.error("e");
    log.softFail("s");
    log.warning("at http://u:s3cret@h", { headers: { authorization: "s3cret" } });
    log.info("i", { id: 1 });
    log.debug("d");
    log.perf("p");
    expect(records().map(({ level, msg }) => `${level} ${msg}`)).toEqual([
      "error Crawler: e",
      "warn Crawler: s",
      "warn Crawler: at http://u:***@h",
      "info Crawler: i",
      "debug Crawler: d",
    ]);
    expect(records()[2]).toMatchObject({ headers: { authorization: "***" } });
    expect(records()[3]).toMatchObject({ id: 1 });
  });

  it("keeps the stack of an exception", () => {
    logCrawleeTo(logger());
    crawleeLog.exception(new TypeError("boom http://u:s3cret@h"), "failed", { id: 1 });
    expect(records()[0]).toMatchObject({
      level: "error",
      msg: "failed",
      id: 1,
      err: {
        type: "Error",
        message: "boom http://u:***@h",
        stack: expect.stringMatching(/^TypeError: boom[^]*crawlee-log\.test\.ts/),
      },
    });
  });

  it.each([
    ["silent", LogLevel.OFF],
    ["error", LogLevel.ERROR],
    ["warn", LogLevel.WARNING],
    ["info", LogLevel.INFO],
    ["debug", LogLevel.DEBUG],
    ["trace", LogLevel.PERF],
  ] as const)("tells Crawlee the level %s, so that it makes no message in vain", (level, crawleeLevel) => {
    logCrawleeTo(logger({ level }));
    expect(crawleeLog.getLevel()).toBe(crawleeLevel);
  });
});
