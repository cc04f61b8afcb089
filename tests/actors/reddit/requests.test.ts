import { describe, expect, it } from "vitest";
import { aboutRequest, listingRequest, startRequests } from "../../../actors/reddit/requests.ts";
import type { Input } from "../../../actors/reddit/input.ts";

const hot = { sort: "hot", limit: 100 } as const;
const chain = (listing: Input["listings"][number], page = {}) =>
  listingRequest({ subreddit: "Node", listings: [listing], afters: [], seenIds: [], ...page });

const start = (subreddits: string[], listings: Input["listings"] = [hot]) =>
  startRequests({ subreddits, listings });

describe("listingRequest", () => {
  it.each([
    [chain(hot), "https://www.reddit.com/r/Node/hot?limit=100"],
    [chain({ sort: "top", time: "week", limit: 30 }), "https://www.reddit.com/r/Node/top?limit=30&t=week"],
    [chain(hot, { afters: ["t3_x"] }), "https://www.reddit.com/r/Node/hot?limit=100&after=t3_x"],
    [
      chain({ sort: "new", limit: 250 }, { afters: ["t3_a", "t3_b"], seenIds: Array(202).fill("x") }),
      "https://www.reddit.com/r/Node/new?limit=48&after=t3_b",
    ],
    [
      chain({ sort: "new", limit: 1000 }, { afters: ["t3_z"], seenIds: Array(999).fill("x") }),
      "https://www.reddit.com/r/Node/new?limit=100&after=t3_z",
    ],
  ])("%#: asks for one page", ({ url }, expected) => {
    expect(url).toBe(expected);
  });

  it("is the same request whatever the letter case, and another one for another page or window", () => {
    const keys = [
      chain(hot),
      chain(hot, { subreddit: "node" }),
      chain(hot, { afters: ["t3_x"] }),
      chain({ sort: "top", time: "day", limit: 100 }),
      chain({ sort: "top", time: "week", limit: 100 }),
    ].map((request) => request.uniqueKey);
    expect(keys[0]).toBe(keys[1]);
    expect(new Set(keys).size).toBe(4);
  });
});

describe("startRequests", () => {
  it("asks about a hundred subreddits in one call", () => {
    const names = Array.from({ length: 205 }, (_, index) => `name${index}`);
    const infos = start(names).filter(({ label }) => label === "INFO");
    expect(infos).toHaveLength(3);
    expect(infos[2]!.url).toBe(
      "https://www.reddit.com/api/info?sr_name=name200,name201,name202,name203,name204",
    );
    expect(start(names)).toHaveLength(3 + 205);
  });

  it("starts one chain a subreddit, with all its listings", () => {
    const listings = [hot, { sort: "new", limit: 5 } as const];
    const chains = start(["a1", "b2"], listings).filter(({ label }) => label === "LISTING");
    expect(chains.map(({ url }) => url)).toEqual([
      "https://www.reddit.com/r/a1/hot?limit=100",
      "https://www.reddit.com/r/b2/hot?limit=100",
    ]);
    expect(chains[0]!.userData["listings"]).toEqual(listings);
  });

  it("asks nothing about r/all, which is no subreddit", () => {
    expect(start(["all"]).map(({ label }) => label)).toEqual(["LISTING"]);
  });

  it("asks only for facts without listings", () => {
    expect(start(["node"], []).map(({ label }) => label)).toEqual(["INFO"]);
  });

  it("lets begun chains go before new ones", () => {
    const [, fresh] = start(["node"]);
    expect(chain(hot, { afters: ["t3_x"] }).priority).toBeGreaterThan(fresh!.priority!);
    expect(aboutRequest({ name: "x" }).priority).toBeGreaterThan(fresh!.priority!);
  });
});
