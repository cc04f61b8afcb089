import { beforeEach, describe, expect, it } from "vitest";
import { createLogger, type LogOptions } from "../../shared/log.ts";

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

describe("createLogger", () => {
  it("writes JSON lines with level name and ISO time", () => {
    logger().info({ done: 3 }, "progress %d", 7);
    expect(records()).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        done: 3,
        msg: "progress 7",
      },
    ]);
  });

  it("writes lines for people when asked to", () => {
    logger({ pretty: true }).warn({ done: 3 }, "http://u:s3cret@h");
    expect(written).toMatch(/\[\d\d:\d\d:\d\d\].*WARN.*http:\/\/u:\*\*\*@h[^]*done.*3/);
  });

  it("leaves out what is below its level", () => {
    logger({ level: "warn" }).info("no");
    logger({ level: "silent" }).fatal("no");
    expect(written).toBe("");
  });

  it.each([true, false])("shows no secret, however it came in (pretty: %s)", (pretty) => {
    const log = logger({ pretty });
    log.info("proxy %s", "http://u:s3cret@h");
    log.info({ headers: { Authorization: "bearer s3cret", cookie: ["a=s3cret"] }, apiKey: "s3cret" });
    log.child({ token: "s3cret" }).info("child");
    log.error(new Error("at /x?token=s3cret", { cause: new Error("http://u:s3cret@h") }), "failed");
    log.error({ err: Object.assign(new Error("x"), { options: { password: "s3cret" } }) });
    expect(written).not.toContain("s3cret");
    expect(written.match(/\*\*\*/g)!.length).toBeGreaterThanOrEqual(8);
  });

  it.each([true, false])("shows nothing that acts on a terminal (pretty: %s)", (pretty) => {
    const log = logger({ pretty });
    const evil = "\u001b]52;c;AAAA\u0007\u001b[2J\rfine\u009b31m\b\u202e";
    log.info(evil);
    log.warn({ [evil]: evil, list: [evil] }, "%s", evil);
    log.error({ err: Object.assign(new Error(evil), { body: evil }) }, "failed");
    // What colours the levels is the log's own.
    // oxlint-disable-next-line no-control-regex
    const own = written.replaceAll(/\u001b\[\d+m/g, "");
    // oxlint-disable-next-line no-control-regex
    expect(own).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(own).toContain("fine");
  });

  it("keeps in JSON what a terminal would obey, as escapes", () => {
    logger().info("a\u001b\u009b\u202e");
    expect(written).toContain("a\\u001b\\u009b\\u202e");
    expect(records()[0]).toMatchObject({ msg: "a\u001b\u009b\u202e" });
  });

  it("keeps an error's type, message and stack", () => {
    logger().error({ err: new TypeError("boom") }, "failed");
    expect(records()[0]).toMatchObject({
      msg: "failed",
      err: { type: "TypeError", message: "boom", stack: expect.stringContaining("log.test.ts") },
    });
  });
});
