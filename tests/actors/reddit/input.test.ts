import { describe, expect, it } from "vitest";
import { Input } from "../../../actors/reddit/input.ts";
import { parseInput } from "../../../shared/crawl/input.ts";
import { InvalidInputError } from "../../../shared/errors.ts";

/** The lines of the one message that a wrong input gets. */
function mistakes(raw: unknown): string[] {
  try {
    parseInput(Input, raw);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return error.message
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

it("one subreddit is enough", () => {
  expect(parseInput(Input, { subreddits: ["r/node"] })).toEqual({
    subreddits: ["node"],
    listings: [{ sort: "hot", limit: 100 }],
  });
});

it("top and controversial are of the week unless said otherwise", () => {
  const listings = [
    { sort: "top" },
    { sort: "controversial", time: "all", limit: 5 },
    { sort: "new", limit: 1000 },
  ];
  expect(parseInput(Input, { subreddits: ["node"], listings }).listings).toEqual([
    { sort: "top", time: "week", limit: 100 },
    { sort: "controversial", time: "all", limit: 5 },
    { sort: "new", limit: 1000 },
  ]);
});

it("a name in other letter case is the same subreddit", () => {
  expect(parseInput(Input, { subreddits: ["Node", "/r/node"] }).subreddits).toEqual(["Node"]);
});

describe("mistakes", () => {
  it("every one is told, with field, value and what would be right", () => {
    expect(mistakes({ subreddits: ["no such name!!"], listings: [{ sort: "best" }] })).toEqual([
      'subreddits[0]: expected a subreddit name: 2–21 letters, digits or _, or a profile as u_name; r/name and URLs will do, got "no such name!!"',
      'listings[0].sort: expected one of hot, new, rising, top, controversial, got "best"',
    ]);
  });

  it.each([
    [{}, "subreddits: expected at least one subreddit, got nothing"],
    [[], "input: expected a JSON object, got []"],
    [{ subreddits: "node" }, 'subreddits: expected a list of subreddit names, got "node"'],
    [{ subreddits: [7] }, "subreddits[0]: expected a subreddit name, got 7"],
    [{ subreddits: ["node"], source: "rss" }, 'source: expected one of oauth, public, got "rss"'],
    [{ subreddits: ["node"], subredits: [] }, "subredits: no such field; remove it or correct its name"],
  ])("%j", (raw, mistake) => {
    expect(mistakes(raw)).toEqual([mistake]);
  });

  it.each([
    [{ sort: "top", limit: 0 }, "listings[0].limit: expected a whole number from 1 to 1000, got 0"],
    [{ sort: "top", limit: 1001 }, "listings[0].limit: expected a whole number from 1 to 1000, got 1001"],
    [{ sort: "hot", limit: 1.5 }, "listings[0].limit: expected a whole number from 1 to 1000, got 1.5"],
    [{ sort: "hot", time: "day" }, 'listings[0].time: expected no time, because hot has none, got "day"'],
    [
      { sort: "top", time: "now" },
      'listings[0].time: expected one of hour, day, week, month, year, all, got "now"',
    ],
  ])("a listing %j", (listing, mistake) => {
    expect(mistakes({ subreddits: ["node"], listings: [listing] })).toEqual([mistake]);
  });

  it("a listing that is asked for twice", () => {
    const listings = [{ sort: "top" }, { sort: "top", time: "week", limit: 5 }];
    expect(mistakes({ subreddits: ["node"], listings })[0]).toMatch(
      /^listings\[1\]: expected each listing once, top of week is a repeat/,
    );
  });
});
