import { describe, expect, it } from "vitest";
import { nextInChain } from "../../../actors/reddit/listing-chain.ts";
import type { ListingUserData } from "../../../actors/reddit/requests.ts";

const hot = { sort: "hot", limit: 1000 } as const;
const top = { sort: "top", time: "week", limit: 1000 } as const;
const at = (state: Partial<ListingUserData> = {}): ListingUserData => ({
  subreddit: "node",
  listings: [hot],
  afters: [],
  seenIds: [],
  ...state,
});

describe("nextInChain", () => {
  it("follows the after cursor with what it has seen", () => {
    expect(nextInChain(at(), { ids: ["a", "b"], after: "t3_b" })).toEqual(
      at({ afters: ["t3_b"], seenIds: ["a", "b"] }),
    );
  });

  it("is over when the last page has no cursor", () => {
    expect(nextInChain(at(), { ids: ["a"], after: null })).toBeNull();
  });

  it("goes on with the next listing, from its start", () => {
    const state = at({ listings: [hot, top], afters: ["t3_x"], seenIds: ["x"] });
    expect(nextInChain(state, { ids: ["a"], after: null })).toEqual(at({ listings: [top] }));
  });

  it("is over when the limit is reached, counting each post once", () => {
    const state = at({ listings: [{ sort: "hot", limit: 3 }], afters: ["t3_b"], seenIds: ["a", "b"] });
    expect(nextInChain(state, { ids: ["b", "c"], after: "t3_c" })).toBeNull();
    expect(nextInChain(state, { ids: ["b", "b"], after: "t3_c" })).toBeNull();
    const wider = { ...state, listings: [{ sort: "hot", limit: 4 } as const] };
    expect(nextInChain(wider, { ids: ["b", "c"], after: "t3_c" })?.seenIds).toEqual(["a", "b", "c"]);
  });

  it("reads past a thousand where the limit means all", () => {
    const seenIds = Array.from({ length: 1000 }, (_, index) => `p${index}`);
    expect(nextInChain(at({ seenIds }), { ids: ["last"], after: "t3_last" })).not.toBeNull();
  });

  it("is over when after repeats", () => {
    const state = at({ afters: ["t3_a", "t3_b"], seenIds: ["a", "b"] });
    expect(nextInChain(state, { ids: ["c"], after: "t3_a" })).toBeNull();
  });

  it("is over when a page brings nothing new", () => {
    expect(
      nextInChain(at({ afters: ["t3_b"], seenIds: ["a", "b"] }), { ids: ["b", "a"], after: "t3_a" }),
    ).toBeNull();
  });

  it("passes a page whose posts were all filtered", () => {
    expect(nextInChain(at({ afters: ["t3_b"], seenIds: ["b"] }), { ids: [], after: "t3_c" })).toEqual(
      at({ afters: ["t3_b", "t3_c"], seenIds: ["b"] }),
    );
  });

  it("ends a listing that never does", () => {
    let state: ListingUserData | null = at();
    let pages = 0;
    while (state) state = nextInChain(state, { ids: [`p${pages}`], after: `t3_${pages++}` });
    expect(pages).toBe(20);
  });
});
