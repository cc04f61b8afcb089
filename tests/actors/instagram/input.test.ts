import { describe, expect, it } from "vitest";
import { Input, targetsOf } from "../../../actors/instagram/input.ts";
import { toUsername } from "../../../actors/instagram/names.ts";
import { parseInput } from "../../../shared/crawl/input.ts";

describe("toUsername", () => {
  it.each([
    ["Nasa", "nasa"],
    ["@nasa ", "nasa"],
    ["＠ｎａｓａ", "nasa"],
    ["\u200e@nasa\u2069", "nasa"],
    ["/nasa/", "nasa"],
    ["n", "n"],
    [".nasa", ".nasa"],
    ["nasa.", "nasa."],
    ["na..sa", "na..sa"],
    ["a".repeat(30), "a".repeat(30)],
    ["https://www.instagram.com/Nasa/?hl=en", "nasa"],
    ["HTTPS://WWW.INSTAGRAM.COM/NASA?igsh=MzRlODBiNWFlZA==", "nasa"],
    ["https://www.instagram.com/@nasa", "nasa"],
    ["https://www.instagram.com/%40nasa/", "nasa"],
    ["instagram.com/nasa#x", "nasa"],
    ["instagram.com/nasa/reels/", "nasa"],
    ["instagram.com/nasa/tagged/", "nasa"],
    ["https://instagram.com/nasa/channel/", "nasa"],
    ["https://www.instagram.com/nasa/p/CPv3UqsBFvg/", "nasa"],
    ["m.instagram.com/_n.a_", "_n.a_"],
    ["instagr.am/nasa", "nasa"],
    ["https://www.instagram.com/_u/nasa/", "nasa"],
    ["https://ig.me/m/nasa", "nasa"],
    ["instagram．com／nasa", "nasa"],
  ])("reads %j as %s", (text, name) => expect(toUsername(text)).toBe(name));

  it.each([
    "",
    "@",
    ".",
    "..",
    "na sa",
    "näsa",
    "na/sa",
    "na\\sa",
    "na\u0000sa",
    "nasa?hl=en",
    "a".repeat(31),
    "instagram.com",
    "https://www.instagram.com/",
    "https://www.instagram.com/../nasa/x/..",
    ...(
      "p/CPv3UqsBFvg reel/CPv3 reels/CPv3 reels/audio/1 tv/CPv3 stories/nasa/1 stories/highlights/1 s/aGlnaGxpZ2h0?story_media_id=1 " +
      "share/BAbc share/reel/BAbc share/p/BAbc explore explore/tags/nasa accounts/login/ direct/t/1 invites/contact/?i=abc " +
      "channel/AbC/ about about/jobs developer legal/privacy/ privacy/checks directory/profiles web/lite _u _n/x api/v1 graphql/query " +
      "topics/x challenge/ emails/settings session/x P/CPv3"
    )
      .split(" ")
      .map((path) => `https://www.instagram.com/${path}`),
    "p/CPv3UqsBFvg",
    "u/nasa",
    "https://ig.me/j/AbC/",
    "https://ig.me/AbC",
    "https://l.instagram.com/?u=https%3A%2F%2Fwww.instagram.com%2Fnasa",
    "https://help.instagram.com/nasa",
    "https://example.com/nasa",
    "evil.com/nasa",
    "https://instagram.com.evil.com/nasa",
    "https://instagram.com@evil.com/nasa",
    "https://www.threads.net/@nasa",
    "ftp://instagram.com/nasa",
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
