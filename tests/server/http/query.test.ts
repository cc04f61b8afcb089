import { describe, expect, it } from "vitest";
import { z } from "zod";
import { flag, int, list, timestamp } from "../../../server/http/query.ts";
import { formatIssue, parseValue } from "../../../shared/parse/issues.ts";

const Query = z.strictObject({
  limit: int(1, 1000).default(50),
  desc: flag().optional(),
  tags: list().optional(),
  since: timestamp().optional(),
  sort: z.enum(["a", "b"]).optional(),
});

function mistakes(values: unknown): string[] {
  const parsed = parseValue(Query, values, { whole: "request" });
  return parsed.success ? [] : parsed.issues.map(formatIssue);
}

it.each<[unknown, string]>([
  [{ limit: "0" }, 'limit: expected a whole number 1–1000, got "0"'],
  [{ limit: "1.5" }, 'limit: expected a whole number 1–1000, got "1.5"'],
  [{ limit: ["1", "2"] }, 'limit: expected a whole number 1–1000, got ["1","2"]'],
  [{ desc: "yes" }, 'desc: expected true or false, got "yes"'],
  [{ sort: "c" }, 'sort: expected one of a, b, got "c"'],
  [{ since: "soon" }, 'since: expected a date such as 2026-01-31 or 2026-01-31T12:00:00Z, got "soon"'],
  [
    { since: "2026-13-45" },
    'since: expected a date such as 2026-01-31 or 2026-01-31T12:00:00Z, got "2026-13-45"',
  ],
  [{ tags: 1 }, "tags: expected a text, got 1"],
  [{ tags: `a,${"b".repeat(300)}` }, "tags: expected at most 200 characters for entry 2, got 302"],
  [{ tags: "," }, 'tags: expected at least 1 entry, got ","'],
  [{ limt: "1" }, "limt: no such field; did you mean limit?"],
])("%j is told as %s", (values, line) => {
  expect(mistakes(values)).toEqual([line]);
});

describe("query types", () => {
  it("take what Apify's clients send", () => {
    expect(Query.parse({ desc: "1", tags: "a, b,", since: "2026-01-31T12:00:00.000Z" })).toEqual({
      limit: 50,
      desc: true,
      tags: ["a", "b"],
      since: new Date("2026-01-31T12:00:00.000Z"),
    });
  });

  it.each([
    ["2026-01-31", "2026-01-31T00:00:00.000Z"],
    ["2026-01-31T12:30", "2026-01-31T12:30:00.000Z"],
    ["2026-01-31 12:30:15.5", "2026-01-31T12:30:15.500Z"],
    ["2026-01-31T12:30:00+02:00", "2026-01-31T10:30:00.000Z"],
    ["2026-01-31T12:30:00Z", "2026-01-31T12:30:00.000Z"],
  ])("take %s for %s", (given, at) => {
    expect(Query.parse({ since: given }).since!.toISOString()).toBe(at);
  });
});
