import { expect, it } from "vitest";
import { type Tab, pageOf, pinnedOrdinals, reelsPage, wholeTab } from "../../../sandbox/instagram/feeds.ts";
import { creatorAt } from "../../../sandbox/instagram/world.ts";
import { START, instagramWorld } from "./worlds.ts";

const world = instagramWorld();

function pages(index: number, tab: Tab, limit: number): number[][] {
  const creator = creatorAt(world, index, START);
  const all: number[][] = [];
  for (let from: number | null = null; ;) {
    const { media, below } = pageOf(world, creator, tab, { from, limit, at: START });
    all.push(media.map(({ ordinal }) => ordinal));
    if (below === null) return all;
    from = below;
  }
}

it.each([
  [0, "feed", 12],
  [0, "reels", 12],
  [1, "reels", 6],
  [2, "feed", 12],
  [8, "feed", 12],
  [19, "feed", 12],
] as const)(
  "pages of creator %i's %s of %i hold the whole tab, pinned first, then by time",
  (index, tab, limit) => {
    const creator = creatorAt(world, index, START);
    const all = pages(index, tab, limit);
    const pinned = pinnedOrdinals(world, index, tab, START);
    expect(all[0]!.slice(0, pinned.length)).toEqual(pinned);
    const rest = all.flat().slice(pinned.length);
    expect(rest).toEqual(rest.toSorted((a, b) => b - a));
    expect(rest.some((ordinal) => pinned.includes(ordinal))).toBe(index % 4 === 0 && pinned.length > 0);
    for (const page of all.slice(0, -1)) expect(page).toHaveLength(limit);
    expect(all.at(-1)!.length).toBeGreaterThan(0);
    expect(new Set(all.flat())).toEqual(
      new Set(wholeTab(world, creator, tab, START).map(({ ordinal }) => ordinal)),
    );
  },
);

it("pins what is older than the rest", () => {
  const [first] = pages(0, "feed", 12)[0]!;
  expect(first).toBeLessThan(pages(0, "feed", 12)[0]![5]!);
  expect([reelsPage(0), reelsPage(1), reelsPage(2)]).toEqual([12, 6, 9]);
});

it("keeps some reels out of the feed", () => {
  const creator = creatorAt(world, 0, START);
  const reels = wholeTab(world, creator, "reels", START).map(({ id }) => id);
  const feed = new Set(wholeTab(world, creator, "feed", START).map(({ id }) => id));
  const hidden = reels.filter((id) => !feed.has(id)).length;
  expect(hidden).toBeGreaterThan(10);
  expect(hidden).toBeLessThan(reels.length / 2);
});

it.each([3, 5, 7, 9])("shows nothing of creator %i", (index) => {
  expect(pages(index, "feed", 12)).toEqual([[]]);
});

it("brings the last items of the page before again when it is re-ranked", () => {
  const creator = creatorAt(world, 2, START);
  const first = pageOf(world, creator, "feed", { from: null, limit: 12, at: START });
  const second = pageOf(world, creator, "feed", { from: first.below, limit: 17, at: START, overlap: 5 });
  expect(second.media.slice(0, 5).map(({ id }) => id)).toEqual(first.media.slice(-5).map(({ id }) => id));
  expect(second.media).toHaveLength(17);
});
