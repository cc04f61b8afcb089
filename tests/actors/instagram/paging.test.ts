import { describe, expect, it } from "vitest";
import {
  type Entry,
  firstPage,
  nextPage,
  type PageFacts,
  type Paging,
  reachesEnd,
  withinLimit,
} from "../../../actors/instagram/paging.ts";

const entries = (count: number): Entry[] => Array.from({ length: count }, () => ({}));
const page = (count: number, cursor: string | null) => ({ entries: entries(count), cursor });
const GOES_ON = { isDone: false };

/** The page that follows. */
function after(paging: Paging, ...rest: [ReturnType<typeof page>, Partial<PageFacts>?]): Paging {
  const next = nextPage(paging, rest[0], { ...GOES_ON, ...rest[1] });
  if (typeof next !== "object") throw new Error(`the list is at its ${next}`);
  return next;
}

/** The pages that a list is asked for, when each answer has `count` entries and the cursor `c1`, `c2`, … */
function read(limit: number, count: number, pageSize: number): number {
  let pages = 0;
  for (let paging: Paging | "end" | "cut" = firstPage(limit, pageSize); typeof paging === "object"; pages++)
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
      tooOld: 0,
      pageSize: 12,
      isAgain: false,
    });
  });

  it("ends without a cursor, where it is done, and at a cursor that comes again", () => {
    const second = after(firstPage(99), page(12, "a"));
    expect(nextPage(second, page(12, null), GOES_ON)).toBe("end");
    expect(nextPage(second, page(12, "b"), { isDone: true })).toBe("end");
    expect(nextPage(second, page(12, "a"), GOES_ON)).toBe("end");
  });

  it.each(["b", null])("asks once more for an empty page that was promised, whose cursor is %s", (cursor) => {
    const second = after(firstPage(99), page(12, "a"));
    const again = after(second, page(0, cursor));
    expect(again).toEqual({ ...second, isAgain: true });
    expect(after(again, page(12, "b"))).toMatchObject({ cursors: ["a", "b"], isAgain: false });
    expect(nextPage(again, page(5, null), GOES_ON)).toBe("end");
    expect(nextPage(again, page(0, cursor), GOES_ON)).toBe("cut");
  });

  it("takes a second empty page for the end behind one that was not full", () => {
    const second = after(firstPage(99, 12), page(7, "a"));
    const again = after(second, page(0, "b"));
    expect(again).toEqual({ ...second, isAgain: true });
    expect(nextPage(again, page(0, "b"), GOES_ON)).toBe("end");
    // One that leads to itself at once.
    expect(nextPage(second, page(0, "a"), GOES_ON)).toBe("end");
  });

  it("takes an empty page for the end behind all that there is", () => {
    const second = after(firstPage(99), page(12, "a"));
    expect(nextPage(second, page(0, "b"), { isDone: false, total: 12 })).toBe("end");
    expect(after(second, page(0, "b"), { total: 13 })).toMatchObject({ isAgain: true });
  });

  it("asks once more for a list that cannot be empty, or says that there is more", () => {
    const first = firstPage(24, 12);
    expect(nextPage(first, page(0, null), { isDone: false, total: 9 })).toBe("end");
    const cannotBeEmpty = { cannotBeEmpty: true };
    const again = after(first, page(0, null), cannotBeEmpty);
    expect(again).toEqual({ ...first, isAgain: true });
    expect(nextPage(again, page(0, null), { isDone: false, ...cannotBeEmpty })).toBe("cut");
    expect(nextPage(after(first, page(0, "a")), page(0, "a"), GOES_ON)).toBe("cut");
  });
});

describe("reachesEnd", () => {
  const known = "2026-01-10T00:00:00.000Z";
  const day = (date: number, fields: Partial<Entry> = {}): Entry => ({
    taken_at: `2026-01-${String(date).padStart(2, "0")}T00:00:00.000Z`,
    ...fields,
  });
  const days = (...dates: number[]) => dates.map((date) => day(date));
  const second = { ...firstPage(24), cursors: ["a"], entries: 12 };

  it("is where a row of entries is known or older", () => {
    expect(reachesEnd(firstPage(24), days(14, 13, 12, 11, 9, 8), known)).toBe(false);
    expect(reachesEnd(firstPage(24), days(12, 11, 10, 9, 8, 7, 6, 5), known)).toBe(true);
  });

  it("is a first page with nothing new where it shows the last that is known", () => {
    expect(reachesEnd(firstPage(24), days(10, 9, 8), known)).toBe(true);
    expect(reachesEnd(firstPage(24), days(9, 8, 7), known)).toBe(false);
    expect(reachesEnd(second, days(9, 8, 7), known)).toBe(true);
  });

  it("is not at old entries that stand before newer ones, pinned with a word or without", () => {
    expect(reachesEnd(firstPage(24), days(1, 2, 3, 4, 5, 14, 13), known)).toBe(false);
    const pinned = Array.from({ length: 9 }, () => day(1, { is_pinned: true }));
    expect(reachesEnd(second, [...days(14, 13), ...pinned], known)).toBe(false);
  });

  it("is nowhere where all is wanted, or nothing is dated", () => {
    expect(reachesEnd(second, days(9, 8, 7), null)).toBe(false);
    expect(reachesEnd(second, [{}, {}], known)).toBe(false);
  });
});

describe("withinLimit", () => {
  const list = ["2026-01-01", "2026-01-09", "2026-01-02", "2026-01-08"].map((taken_at) => ({ taken_at }));

  it("counts what the plan keeps alone", () => {
    expect(withinLimit(firstPage(1), list, {})).toHaveLength(1);
    expect(withinLimit(firstPage(1), list, { since: "2026-01-05" })).toHaveLength(2);
    expect(withinLimit({ ...firstPage(3), entries: 4, tooOld: 2 }, list, {})).toHaveLength(1);
  });

  it("lets a list have a page more for those that are too old", () => {
    const old = { ...page(12, "a"), tooOld: 4 };
    expect(nextPage(firstPage(12, 12), old, GOES_ON)).toMatchObject({ entries: 12, tooOld: 4 });
    expect(nextPage(firstPage(8, 12), old, GOES_ON)).toBe("end");
  });
});
