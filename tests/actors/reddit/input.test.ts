import { describe, expect, it } from "vitest";
import { z } from "zod";
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
    listings: [
      { sort: "hot", limit: 100 },
      { sort: "top", time: "week", limit: 100 },
    ],
    rules: true,
    users: [],
    user_history: { listing: "submitted", sort: "new", limit: 100 },
    search: [],
    authors: "batch",
    discover: false,
    until_known: false,
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

it("a search is a text or an object", () => {
  expect(
    parseInput(Input, { search: ["cats", { query: "dogs", subreddit: "/r/pets", time: "day" }] }).search,
  ).toEqual([
    { query: "cats", type: "posts", sort: "relevance", time: "all", limit: 100 },
    { query: "dogs", type: "posts", subreddit: "pets", sort: "relevance", time: "day", limit: 100 },
  ]);
});

it.each([
  ["2026-01-31", "2026-01-31T00:00:00.000Z"],
  ["2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000Z"],
])("since %s is %s", (since, expected) => {
  expect(parseInput(Input, { users: ["spez"], since }).since).toBe(expected);
});

it("every field has a description and its default in the JSON schema of the form", () => {
  const { properties } = z.toJSONSchema(Input, { io: "input" });
  for (const field of Object.values(properties!)) expect(field).toHaveProperty("description");
  expect(properties!["subreddits"]).toHaveProperty("default", []);
  expect(properties!["listings"]).toHaveProperty("default", [{ sort: "hot" }, { sort: "top" }]);
});

describe("mistakes", () => {
  it("every one is told, with field, value and what would be right", () => {
    expect(mistakes({ subreddits: ["no such name!!"], listings: [{ sort: "best" }] })).toEqual([
      'subreddits[0]: expected a subreddit name, as node, r/node or its address, or a profile as u_name; multireddits, share and short links are none, got "no such name!!"',
      'listings[0].sort: expected one of hot, new, rising, top, controversial, got "best"',
    ]);
  });

  it.each([
    [{}, "subreddits: expected at least one subreddit, user or search, got nothing"],
    [[], "input: expected a JSON object, got []"],
    [{ subreddits: "node" }, 'subreddits: expected a list of subreddit names, got "node"'],
    [
      { users: ["/user/spez/m/list"] },
      'users[0]: expected a user name, as spez, u/spez or the profile\'s address; multireddits, share and short links are none, got "/user/spez/m/list"',
    ],
    [{ users: ["spez"], authors: "all" }, 'authors: expected one of none, batch, full, got "all"'],
    [{ users: ["spez"], rules: 1 }, "rules: expected true or false, got 1"],
    [{ users: ["spez"], max_items: 0 }, "max_items: expected a whole number from 1 to 100000000, got 0"],
    [
      { users: ["spez"], comments: {} },
      "comments.per_post: is required; expected a whole number from 1 to 10000",
    ],
    [
      { users: ["spez"], comments: { per_post: 1, depth: 11 } },
      "comments.depth: expected a whole number from 1 to 10, got 11",
    ],
    [{ search: [" "] }, 'search[0]: expected a search text, got " "'],
    [
      { search: [{ query: "x", sort: "best" }] },
      'search[0].sort: expected one of relevance, hot, top, new, comments, got "best"',
    ],
    [
      { search: [{ query: "x", type: "subreddits", subreddit: "node" }] },
      'search[0].subreddit: expected no subreddit, because subreddits are looked for, got "node"',
    ],
    [
      { users: ["spez"], since: "yesterday" },
      'since: expected a date in ISO 8601, as 2026-01-31 or 2026-01-31T12:00:00Z, got "yesterday"',
    ],
    [
      { subreddits: ["node"], until_known: true },
      "listings: expected a listing with sort new, because until_known is set, got nothing",
    ],
    [
      { users: ["spez"], user_history: { time: "day" } },
      'user_history.time: expected no time, because new has none, got "day"',
    ],
    [{ subreddits: ["node"], source: "rss" }, 'source: expected one of oauth, public, got "rss"'],
    [{ subreddits: ["node"], subredits: [] }, "subredits: no such field; did you mean subreddits?"],
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
