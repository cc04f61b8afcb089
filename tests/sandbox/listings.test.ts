import { expect, it } from "vitest";
import { type Sort, SORTS, listedFullnames, pageOf, pageSize } from "../../sandbox/reddit/listings.ts";
import { isListed, stickyOrdinals } from "../../sandbox/reddit/post-numbers.ts";
import { postAt } from "../../sandbox/reddit/posts.ts";
import { place, postById } from "../../sandbox/reddit/world.ts";
import { smallWorld } from "./worlds.ts";

const world = smallWorld();
const at = world.startAt;
const big = place(world, 0);
const small = place(world, 1);

const pagesOf = <T>(all: readonly T[], limit: number): T[][] => {
  const pages: T[][] = [];
  for (let after: T | null = null; ;) {
    const page: { items: T[]; after: T | null } = pageOf(all, { after, before: null, limit });
    pages.push(page.items);
    after = page.after;
    if (after === null) return pages;
  }
};

it.each(SORTS)("pages through %s and gives everything once", (sort: Sort) => {
  const all = listedFullnames(world, big, sort, "all", at);
  expect(new Set(all).size).toBe(all.length);
  expect(pagesOf(all, 100).flat()).toEqual(all);
});

it("shows every listed post of a small community and no other", () => {
  const all = listedFullnames(world, small, "new", null, at);
  const expected = [...Array(small.postCount).keys()].filter((ordinal) =>
    isListed(world, small, ordinal, at),
  );
  expect(all.map((name) => postById(world, name.slice(3))!.ordinal)).toEqual(expected.toReversed());
});

it("ends a listing after 1,000 of more posts", () => {
  expect(big.postCount).toBeGreaterThan(1100);
  for (const sort of ["hot", "new", "top"] as const) {
    expect(listedFullnames(world, big, sort, "all", at)).toHaveLength(1000);
  }
});

it("orders top by score within its time", () => {
  const posts = listedFullnames(world, big, "top", "week", at).map((name) => {
    const found = postById(world, name.slice(3))!;
    return postAt(world, found.place, found.ordinal, at);
  });
  const scores = posts.map((post) => post.score);
  expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  expect(Math.min(...posts.map((post) => post.createdUtc))).toBeGreaterThanOrEqual(at - 7 * 86_400);
  expect(posts.length).toBeGreaterThan(100);
});

it("puts pinned posts on top of hot, and only there", () => {
  const pinned = [...Array(40).keys()]
    .map((index) => place(world, index))
    .find((p) => stickyOrdinals(world, p).length === 2)!;
  const flags = (sort: Sort): boolean[] =>
    listedFullnames(world, pinned, sort, "all", at).map(
      (name) => postAt(world, pinned, postById(world, name.slice(3))!.ordinal, at).stickied,
    );
  expect(flags("hot").slice(0, 3)).toEqual([true, true, false]);
  expect(flags("new").slice(0, 3)).toEqual([false, false, false]);
});

it("gives 25 without a limit and never more than 100", () => {
  expect(["1", "100", "1024", "0", "x", null].map(pageSize)).toEqual([1, 100, 100, 25, 25, 25]);
});

it("ends with the last full page, without an empty one", () => {
  const all = [...Array(200).keys()];
  expect(pagesOf(all, 100).map((page) => page.length)).toEqual([100, 100]);
});

it("goes back before an anchor", () => {
  const all = [...Array(50).keys()];
  expect(pageOf(all, { after: null, before: 30, limit: 10 }).items).toEqual(all.slice(20, 30));
  expect(pageOf(all, { after: null, before: 3, limit: 10 }).items).toEqual([0, 1, 2]);
});

it("shows nothing after an anchor that is gone", () => {
  expect(pageOf([1, 2, 3], { after: 9, before: null, limit: 2 })).toEqual({ items: [], after: null });
});

it("repeats the end of the last page where it was ranked anew", () => {
  const all = [...Array(50).keys()];
  expect(pageOf(all, { after: 9, before: null, limit: 10, overlap: 3 }).items[0]).toBe(7);
});
