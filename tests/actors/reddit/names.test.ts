import { describe, expect, it } from "vitest";
import { distinctNames, isAggregate, toSubredditName, toUsername } from "../../../actors/reddit/names.ts";

describe("toSubredditName", () => {
  it.each([
    ["node", "node"],
    [" r/node ", "node"],
    ["/r/AskReddit/", "AskReddit"],
    ["https://www.reddit.com/r/node/top/?t=all", "node"],
    ["old.reddit.com/r/node#x", "node"],
    ["nl", "nl"],
    ["u_spez", "u_spez"],
    ["u_some-one_of_20_signs", "u_some-one_of_20_signs"],
    ["/user/spez", "u_spez"],
    ["u/spez", "u_spez"],
  ])("%s is %s", (text, name) => {
    expect(toSubredditName(text)).toBe(name);
  });

  it.each([
    "",
    "x",
    "no such name!!",
    "some-name",
    "a/b",
    "r/",
    "https://example.com/r/node",
    "x".repeat(22),
    "r/é",
  ])("%s is none", (text) => {
    expect(toSubredditName(text)).toBeNull();
  });
});

describe("toUsername", () => {
  it.each([
    ["spez", "spez"],
    ["u/spez", "spez"],
    ["https://www.reddit.com/user/a-b_c/submitted/", "a-b_c"],
  ])("%s is %s", (text, name) => {
    expect(toUsername(text)).toBe(name);
  });

  it.each(["", "ab", "r/node", "two words", "x".repeat(21)])("%s is none", (text) => {
    expect(toUsername(text)).toBeNull();
  });
});

it("the first spelling of a name stays, in its place", () => {
  expect(distinctNames(["Node", "b", "node", "NODE"])).toEqual(["Node", "b"]);
});

it("all and popular are no subreddits", () => {
  expect(["All", "popular", "allofit"].map(isAggregate)).toEqual([true, true, false]);
});
