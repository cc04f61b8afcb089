import { describe, expect, it } from "vitest";
import {
  type Entry,
  firstPage,
  nextPage,
  type Paging,
  reachesEnd,
} from "../../../actors/instagram/paging.ts";

const entries = (count: number): Entry[] => Array.from({ length: count }, () => ({}));
const page = (count: number, cursor: string | null) => ({ entries: entries(count), cursor });
const GOES_ON = { isDone: false };

/** The pages that a list is asked for, when each answer has `count` entries and the cursor `c1`, `c2`, … */
function read(limit: number, count: number, pageSize: number): number {
  let pages = 0;
  for (let paging: Paging | null = firstPage(limit, pageSize); paging; pages++)
    paging = nextPage(paging, page(count, `c${pages}`), GOES_ON);
  return pages;
}

describe("nextPage", () => {
  it.each([
    [24, 12, 12, 2],
    [25, 12, 12, 3],
    [36, 6, 6, 6],
    [36, 9, 6, 4],
    [12, 12, 12, 1],
    // Short pages do not make a list dearer.
    [24, 7, 12, 2],
  ])("reads a list of %i in pages of %i (at least %i) with %i calls", (limit, count, least, calls) => {
    expect(read(limit, count, least)).toBe(calls);
  });

  it("goes on with the cursor, and counts what was read", () => {
    expect(nextPage(firstPage(24, 12), page(12, "a"), GOES_ON)).toEqual({
      limit: 24,
      cursors: ["a"],
      entries: 12,
      pageSize: 12,
      isAgain: false,
    });
  });

  it("ends without a cursor, where it is done, and at a cursor that comes again", () => {
    const second = nextPage(firstPage(99), page(12, "a"), GOES_ON)!;
    expect(nextPage(second, page(12, null), GOES_ON)).toBeNull();
    expect(nextPage(second, page(12, "b"), { isDone: true })).toBeNull();
    expect(nextPage(second, page(12, "a"), GOES_ON)).toBeNull();
  });

  it("asks once more for an empty page that claims to have a successor, and then ends", () => {
    const second = nextPage(firstPage(99), page(12, "a"), GOES_ON)!;
    const again = nextPage(second, page(0, "b"), GOES_ON)!;
    expect(again).toEqual({ ...second, isAgain: true });
    expect(nextPage(again, page(0, "b"), GOES_ON)).toBeNull();
    expect(nextPage(again, page(12, "b"), GOES_ON)).toMatchObject({ cursors: ["a", "b"], isAgain: false });
  });

  it("takes an empty page for the end behind one that was not full", () => {
    const second = nextPage(firstPage(99, 12), page(7, "a"), GOES_ON)!;
    expect(nextPage(second, page(0, "b"), GOES_ON)).toBeNull();
  });

  it("asks once more for a list that cannot be empty", () => {
    const first = firstPage(24, 12);
    expect(nextPage(first, page(0, null), GOES_ON)).toBeNull();
    const again = nextPage(first, page(0, null), { isDone: false, cannotBeEmpty: true });
    expect(again).toEqual({ ...first, isAgain: true });
    expect(nextPage(again!, page(0, null), { isDone: false, cannotBeEmpty: true })).toBeNull();
  });
});

describe("reachesEnd", () => {
  const known = "2026-01-10";
  const list = (...dates: string[]): Entry[] => dates.map((taken_at) => ({ taken_at }));
  const ends = (seen: Entry[], paging = firstPage(24)) =>
    reachesEnd(paging, seen, { endsAt: known, unordered: 3 });

  it("stops at what is known or older", () => {
    expect(ends(list("2026-01-14", "2026-01-13", "2026-01-12", "2026-01-11"))).toBe(false);
    expect(ends(list("2026-01-14", "2026-01-13", "2026-01-12", "2026-01-10"))).toBe(true);
  });

  it("does not stop at the first positions, which may be pinned without a word", () => {
    expect(ends(list("2025-01-01", "2025-01-02", "2025-01-03", "2026-01-14"))).toBe(false);
  });

  it("does not stop at a pinned entry, wherever it is", () => {
    const pinned = { taken_at: "2025-01-01", is_pinned: true };
    expect(ends([...list("2026-01-14", "2026-01-13", "2026-01-12"), pinned])).toBe(false);
  });

  it("knows no first positions on later pages", () => {
    expect(ends(list("2026-01-09"), { ...firstPage(24), cursors: ["a"], entries: 12 })).toBe(true);
  });

  it("never ends where all is wanted", () => {
    expect(reachesEnd(firstPage(24), list("", "", "", ""), { endsAt: null, unordered: 3 })).toBe(false);
  });
});
