import { expect, it } from "vitest";
import { knownKey, rememberPosts } from "../../../actors/reddit/known-posts.ts";

const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `t3_${from + index}`);

it("the newest thousand are remembered, each once", () => {
  const { ids: known } = rememberPosts({ ids: ids(5, 1005) }, ids(0, 10));
  expect(known).toEqual(ids(0, 1000));
});

it("a subreddit's record has one key in any letter case", () => {
  expect(knownKey("Node")).toBe(knownKey("node"));
});

it.each([
  ["Node", "known-posts-node"],
  ["reddit.com", "known-posts-reddit.com"],
  ["t:1337", "known-posts-t(3a)1337"],
  ["u_old name!", "known-posts-u_old(20)name(21)"],
])("the record of %s is %s", (subreddit, key) => {
  expect(knownKey(subreddit)).toBe(key);
});
