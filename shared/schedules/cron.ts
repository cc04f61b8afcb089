import { CronExpressionParser } from "cron-parser";
import { InvalidScheduleError } from "./errors.ts";

/**
 * A field: numbers, `*`, lists, ranges, steps, names. Not what cron-parser takes beside: `H` stands for a random value, and
 * a search for such as `1#5`, a fifth Monday, in February blocks the process for a second.
 */
const FIELD = "(?:[\\d*,/-]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)+";
const FIELDS = new RegExp(`^${FIELD}(?: ${FIELD}){4}$`, "i");
const NICKNAMES = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly"];

export interface Recurrence {
  /** Minute, hour, day of month, month, day of week; or `@daily` and the like. */
  cron: string;
  /** IANA name, `Europe/Berlin`. */
  timezone: string;
}

/**
 * The next `count` times after `after`, in the time zone's own clock: a time that its change of clocks leaves out
 * comes as soon as it is over, one that comes twice counts once.
 */
export function nextFireTimes({ cron, timezone }: Recurrence, after: Date, count: number): Date[] {
  const times = CronExpressionParser.parse(cron, { tz: timezone, currentDate: after });
  return Array.from({ length: count }, () => times.next().toDate());
}

/** @throws {InvalidScheduleError} */
export function assertRecurrence({ cron, timezone }: Recurrence): void {
  // cron-parser takes anything for a zone until it has to compute a date.
  if (!isTimezone(timezone))
    throw new InvalidScheduleError(
      "timezone",
      `expected an IANA time zone as Europe/Berlin, got ${quote(timezone)}`,
    );
  const wanted = "expected five fields (minute hour day-of-month month day-of-week) or @daily and the like";
  if (!NICKNAMES.includes(cron) && !FIELDS.test(cron))
    throw new InvalidScheduleError("cronExpression", `${wanted}, got ${quote(cron)}`);
  try {
    nextFireTimes({ cron, timezone }, new Date(), 1);
  } catch (cause) {
    throw new InvalidScheduleError("cronExpression", `${quote(cron)}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function isTimezone(name: string): boolean {
  try {
    return Intl.DateTimeFormat("en", { timeZone: name }) !== null;
  } catch {
    return false;
  }
}

const quote = (text: string) => JSON.stringify(text);
