import { describe, expect, it } from "vitest";
import { assertRecurrence, nextFireTimes } from "../../../shared/schedules/cron.ts";
import { InvalidScheduleError } from "../../../shared/schedules/errors.ts";

function times(cron: string, timezone: string, after: string, count: number): string[] {
  return nextFireTimes({ cron, timezone }, new Date(after), count).map((time) => time.toISOString());
}

describe("nextFireTimes", () => {
  it("follows the clock of the time zone across its change", () => {
    expect(times("0 0 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2)).toEqual([
      "2026-03-28T23:00:00.000Z",
      "2026-03-29T22:00:00.000Z",
    ]);
  });

  it("does not leave out a day whose time the change of clocks leaves out", () => {
    // On 8 March 2026 New York goes from 2:00 to 3:00.
    expect(times("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", 2)).toEqual([
      "2026-03-08T07:30:00.000Z",
      "2026-03-09T06:30:00.000Z",
    ]);
  });

  it("counts a time that comes twice once, and goes on in steps of minutes through it", () => {
    // On 1 November 2026 New York goes from 2:00 to 1:00.
    expect(times("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2)).toEqual([
      "2026-11-01T05:30:00.000Z",
      "2026-11-02T06:30:00.000Z",
    ]);
    expect(times("*/30 * * * *", "America/New_York", "2026-11-01T05:10:00Z", 4)).toEqual([
      "2026-11-01T05:30:00.000Z",
      "2026-11-01T06:00:00.000Z",
      "2026-11-01T06:30:00.000Z",
      "2026-11-01T07:00:00.000Z",
    ]);
  });

  it("begins after the given time, not at it", () => {
    expect(times("* * * * *", "UTC", "2026-01-01T00:00:00Z", 1)).toEqual(["2026-01-01T00:01:00.000Z"]);
  });
});

describe("assertRecurrence", () => {
  it.each(["* * * * *", "*/5 9-17 * * mon-fri", "0 0 1,15 * *", "@daily", "0 0 29 2 *", "0 9 * * THU"])(
    "takes %s",
    (cron) => {
      expect(() => assertRecurrence({ cron, timezone: "America/Sao_Paulo" })).not.toThrow();
    },
  );

  it.each([
    "",
    "*",
    "* * * *",
    "* * * * * *",
    "61 * * * *",
    "5-1 * * * *",
    "0 0 30 2 *",
    "H * * * *",
    "0 9 L * *",
    "0 9 * 2 1#5",
    "H/5 * * * *",
    "@reboot",
    "@Daily",
    "every minute please now ok",
    "* * * * *\n",
  ])("refuses %j and says so", (cron) => {
    const refused = () => assertRecurrence({ cron, timezone: "UTC" });
    expect(refused).toThrow(InvalidScheduleError);
    expect(refused).toThrow(/^cronExpression: /);
    expect(refused).toThrow(JSON.stringify(cron));
  });

  it.each(["", "Mars/Olympus", "Europe", "utc+2"])("refuses the time zone %j and says so", (timezone) => {
    expect(() => assertRecurrence({ cron: "* * * * *", timezone })).toThrow(/^timezone: expected an IANA/);
  });
});
