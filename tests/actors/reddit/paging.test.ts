import { describe, expect, it } from "vitest";
import { firstPage, freshIds, nextPage, pageLimit, type Paging } from "../../../actors/reddit/paging.ts";

const at = (state: Partial<Paging> = {}): Paging => ({ ...firstPage(1000), ...state });

describe("nextPage", () => {
  it("follows the after cursor with what it has seen", () => {
    expect(nextPage(at(), { ids: ["a", "b"], after: "t3_b" })).toEqual(
      at({ afters: ["t3_b"], seenIds: ["a", "b"] }),
    );
  });

  it("is over when the last page has no cursor", () => {
    expect(nextPage(at(), { ids: ["a"], after: null })).toBeNull();
  });

  it("is over when the limit is reached, counting each item once", () => {
    const state = at({ limit: 3, afters: ["t3_b"], seenIds: ["a", "b"] });
    expect(nextPage(state, { ids: ["b", "c"], after: "t3_c" })).toBeNull();
    expect(nextPage({ ...state, limit: 4 }, { ids: ["b", "c"], after: "t3_c" })?.seenIds).toEqual([
      "a",
      "b",
      "c",
    ]);
  });

  it("reads past a thousand where the limit means all", () => {
    const seenIds = Array.from({ length: 1000 }, (_, index) => `p${index}`);
    expect(nextPage(at({ seenIds }), { ids: ["last"], after: "t3_last" })).not.toBeNull();
  });

  it("is over when after repeats, be it an earlier one", () => {
    const state = at({ afters: ["t3_a", "t3_b"], seenIds: ["a", "b"] });
    expect(nextPage(state, { ids: ["c"], after: "t3_a" })).toBeNull();
  });

  it("is over when a re-ranked page brings nothing new", () => {
    expect(
      nextPage(at({ afters: ["t3_b"], seenIds: ["a", "b"] }), { ids: ["b", "a"], after: "t3_a" }),
    ).toBeNull();
  });

  it("passes a page whose items were all filtered", () => {
    expect(nextPage(at({ afters: ["t3_b"], seenIds: ["b"] }), { ids: [], after: "t3_c" })).toEqual(
      at({ afters: ["t3_b", "t3_c"], seenIds: ["b"] }),
    );
  });

  it("goes on from the item before an anchor that was deleted, once", () => {
    const state = at({ afters: ["t3_b"], seenIds: ["t3_a", "t3_b"] });
    const next = nextPage(state, { ids: [], after: null });
    expect(next).toEqual({ ...state, afters: ["t3_b", "t3_a"] });
    expect(nextPage(next!, { ids: [], after: null })).toBeNull();
    expect(nextPage(next!, { ids: ["t3_c"], after: null })).toBeNull();
  });

  it("an empty listing, and one whose order the anchor does not end, are over", () => {
    expect(nextPage(at(), { ids: [], after: null })).toBeNull();
    const state = at({ afters: ["t3_x"], seenIds: ["t3_a", "t3_b"] });
    expect(nextPage(state, { ids: [], after: null })).toBeNull();
  });

  it("ends a listing that never does", () => {
    let state: Paging | null = at();
    let pages = 0;
    while (state) state = nextPage(state, { ids: [`p${pages}`], after: `t3_${pages++}` });
    expect(pages).toBe(20);
  });
});

it.each([
  [at({ limit: 30 }), 30],
  [at({ limit: 250, seenIds: Array(202).fill("x") }), 48],
  [at({ limit: 250 }), 100],
  [at({ seenIds: Array(999).fill("x") }), 100],
])("%#: asks for no more than is wanted", (paging, limit) => {
  expect(pageLimit(paging)).toBe(limit);
});

it("fresh are those that no earlier page had, each once", () => {
  expect(freshIds(at({ seenIds: ["a"] }), ["b", "a", "b"])).toEqual(["b"]);
});
