import { describe, expect, it } from "vitest";
import { z } from "zod";
import { describeIssues } from "../../../server/http/issues.ts";
import { flag, int, list, timestamp } from "../../../server/http/query.ts";

const Query = z.strictObject({
  limit: int(1, 1000).default(50),
  desc: flag().optional(),
  tags: list().optional(),
  since: timestamp().optional(),
  sort: z.enum(["a", "b"]).optional(),
  names: z.array(z.string().max(3)).max(2).optional(),
});

function mistakes(values: unknown): string[] {
  const parsed = Query.safeParse(values);
  return parsed.success ? [] : describeIssues(parsed.error, values);
}

describe("mistakes of a request", () => {
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
    [{ tags: 1 }, "tags: expected a value of type string, got 1"],
    [{ names: ["a", "long"] }, 'names.1: expected a length of at most 3, got "long"'],
    [{ limt: "1" }, "limt: there is no such field"],
    ["x", 'request: expected a value of type object, got "x"'],
  ])("%j is told as %s", (values, line) => {
    expect(mistakes(values)).toEqual([line]);
  });

  it("are told all at once, and not at length", () => {
    expect(mistakes({ limit: "x", sort: "y".repeat(500) })).toHaveLength(2);
    expect(mistakes({ sort: "y".repeat(5_000) })[0]!.length).toBeLessThan(200);
  });
});

describe("many mistakes", () => {
  it("are counted after the first twenty", () => {
    const unknown = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`k${n}`, n]));
    const lines = mistakes({ limit: "x", ...unknown });
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe("and 981 more");
  });

  it("are told by names that are cut", () => {
    expect(mistakes({ ["k".repeat(1e6)]: 1 })[0]!.length).toBeLessThan(200);
  });
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
