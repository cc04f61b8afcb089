import { describe, expect, it } from "vitest";
import { Input, targetsOf } from "../../../actors/instagram/input.ts";
import { toUsername } from "../../../actors/instagram/names.ts";
import { parseInput } from "../../../shared/crawl/input.ts";

describe("toUsername", () => {
  it.each([
    ["Nasa", "nasa"],
    ["@nasa ", "nasa"],
    ["https://www.instagram.com/Nasa/?hl=en", "nasa"],
    ["instagram.com/nasa/reels/", "nasa"],
    ["m.instagram.com/_n.a_", "_n.a_"],
  ])("reads %s as %s", (text, name) => expect(toUsername(text)).toBe(name));

  it.each([
    "",
    "na sa",
    "näsa",
    ".nasa",
    "nasa.",
    "na..sa",
    "a".repeat(31),
    "https://www.instagram.com/p/CPv3UqsBFvg/",
    "https://www.instagram.com/explore/",
    "https://example.com/nasa",
  ])("refuses %j", (text) => expect(toUsername(text)).toBeNull());
});

describe("Input", () => {
  it("names each creator once, and keeps what is known of one", () => {
    const input = Input.parse({
      usernames: ["nasa", "@NASA", "esa", "jaxa"],
      ids: ["42", "42", "7"],
      creators: [{ ig_user_id: "42", username: "Esa", newest_taken_at: "2026-01-01" }],
    });
    expect(targetsOf(input)).toEqual([
      { ig_user_id: "42", username: "esa", newest_taken_at: "2026-01-01T00:00:00.000Z" },
      { ig_user_id: "7" },
      { username: "nasa" },
      { username: "jaxa" },
    ]);
  });

  it.each([
    [{}, /input: expected at least one username, id or creator/],
    [{ usernames: ["näsa"] }, /usernames\[0\]: expected a username.*"näsa"/],
    [{ ids: [42] }, /ids\[0\]: expected an id: a text.*42/],
    [{ creators: [{}] }, /creators\[0\]: expected an ig_user_id or a username/],
    [{ usernames: ["a"], max_cost_usd: 0 }, /max_cost_usd: expected a number above 0, got 0/],
    [{ usernames: ["a"], posts: -1 }, /posts: expected a whole number from 0 to 10000, got -1/],
    [{ usernames: ["a"], source: "app" }, /source: expected one of api, web, browser, got "app"/],
    [{ usernames: ["a"], post: 3 }, /post: no such field/],
  ])("refuses %j in words", (raw, message) => {
    expect(() => parseInput(Input, raw)).toThrow(message);
  });
});
