import { describe, expect, it } from "vitest";
import { newChain } from "../../../actors/reddit/chain.ts";
import { Input } from "../../../actors/reddit/input.ts";
import { firstPage } from "../../../actors/reddit/paging.ts";
import { commentsRequest, moreCommentsRequests } from "../../../actors/reddit/requests-comments.ts";
import { searchRequest } from "../../../actors/reddit/requests-search.ts";
import {
  aboutRequest,
  chainRequests,
  listingRequest,
  rulesRequest,
  startOfListings,
  type ListingUserData,
} from "../../../actors/reddit/requests-subreddits.ts";
import { authorsRequest, historyRequest, userRequest } from "../../../actors/reddit/requests-users.ts";
import { startRequests } from "../../../actors/reddit/requests.ts";
import { plan } from "./plans.ts";

const hot = { sort: "hot", limit: 100 } as const;
const top = { sort: "top", time: "day", limit: 100 } as const;
const listing = (
  spec: ListingUserData["listings"][number],
  { subreddit = "Node", afters = [] as string[] } = {},
) =>
  listingRequest({
    ...startOfListings(subreddit, newChain(subreddit, plan({ listings: [spec] }))),
    paging: { ...firstPage(spec.limit), afters },
  });
const start = (input: object) => startRequests(Input.parse(input));
const search = (spec: object) => {
  const parsed = Input.parse({ search: [spec] }).search[0]!;
  return searchRequest({ spec: parsed, plan: plan(), paging: firstPage(parsed.limit), authors: [] });
};
const history = plan().user_history;

const SITE = "https://www.reddit.com";

describe("urls", () => {
  it.each([
    [listing(hot), "/r/Node/hot?limit=100"],
    [listing({ sort: "top", time: "week", limit: 30 }), "/r/Node/top?limit=30&t=week"],
    [listing(hot, { afters: ["t3_a", "t3_b"] }), "/r/Node/hot?limit=100&after=t3_b"],
    [aboutRequest({ name: "u_spez", plan: plan() }), "/r/u_spez/about"],
    [aboutRequest({ name: "t:1337", plan: plan() }), "/r/t:1337/about"],
    [aboutRequest({ name: "..", plan: plan() }), "/r/%252E%252E/about"],
    [listing(hot, { subreddit: "u_a/b?c" }), "/r/u_a%2Fb%3Fc/hot?limit=100"],
    [rulesRequest({ subreddit: "Node", evidence: null }), "/r/Node/about/rules"],
    [rulesRequest({ subreddit: "reddit.com", evidence: null }), "/r/reddit.com/about/rules"],
    [
      authorsRequest({ ...newChain("node", plan()), unknown: [author("a"), author("b")] }),
      "/api/user_data_by_account_ids?ids=t2_a,t2_b",
    ],
    [userRequest({ username: "a-b", plan: plan(), isPoster: false }), "/user/a-b/about"],
    [userRequest({ username: "old name!", plan: plan(), isPoster: false }), "/user/old%20name!/about"],
    [
      historyRequest({ username: "spez", plan: plan(), paging: firstPage(100), hasPosts: true, newest: [] }),
      "/user/spez/submitted?limit=100&sort=new",
    ],
    [
      historyRequest({
        username: "spez",
        plan: plan({
          user_history: { ...history, listing: "overview", sort: "top", time: "all", limit: 1000 },
        }),
        paging: { ...firstPage(1000), afters: ["t1_x"] },
        hasPosts: true,
        newest: [],
      }),
      "/user/spez/overview?limit=100&sort=top&t=all&after=t1_x",
    ],
    [search({ query: "a b&c" }), "/search?limit=100&q=a+b%26c&sort=relevance&t=all&type=link"],
    [
      search({ query: "x", subreddit: "r/node", sort: "new" }),
      "/r/node/search?limit=100&q=x&restrict_sr=1&sort=new&t=all&type=link",
    ],
    [search({ query: "x", type: "subreddits", limit: 5 }), "/subreddits/search?limit=5&q=x"],
    [commentsOf({ per_post: 1000, depth: 3 }), "/comments/abc?limit=500&depth=3&sort=confidence"],
    [
      moreCommentsRequests(["x", "y"], { postId: "abc", plan: withComments(9), wanted: 9 })[0]!,
      "/api/morechildren?link_id=t3_abc&children=x,y&api_type=json&sort=confidence",
    ],
  ])("%#: $uniqueKey", ({ url }, expected) => {
    expect(url).toBe(SITE + expected);
  });
});

describe("unique keys", () => {
  it("are the same whatever the letter case, and others for another page or window", () => {
    const keys = [
      listing(hot),
      listing(hot, { subreddit: "node" }),
      listing(hot, { afters: ["t3_x"] }),
      listing(top),
      listing({ ...top, time: "week" }),
    ].map((request) => request.uniqueKey);
    expect(keys[0]).toBe(keys[1]);
    expect(new Set(keys).size).toBe(4);
  });

  it("tell searches apart by everything that changes their answer", () => {
    const searches = [
      { query: "x" },
      { query: "x", sort: "new" },
      { query: "x", time: "day" },
      { query: "x", subreddit: "node" },
      { query: "x", type: "subreddits" },
    ];
    expect(new Set(searches.map((spec) => search(spec).uniqueKey)).size).toBe(5);
  });
});

describe("startRequests", () => {
  const names = Array.from({ length: 205 }, (_, index) => `name${index}`);

  it("asks about a hundred subreddits in one call, before their listings", () => {
    const requests = start({ subreddits: names });
    expect(requests.map(({ label }) => label)).toEqual(["INFO", "INFO", "INFO"]);
    expect(requests[2]!.url).toBe(`${SITE}/api/info?sr_name=name200,name201,name202,name203,name204`);
  });

  it("asks about a subreddit by itself whose name would spoil the call for many", () => {
    const requests = start({ subreddits: ["reddit.com", "u_a,b", "t:1337"] });
    expect(requests.map(({ url }) => url)).toEqual([
      `${SITE}/api/info?sr_name=reddit.com,t%3A1337`,
      `${SITE}/r/u_a,b/about`,
      `${SITE}/r/u_a,b/hot?limit=100`,
    ]);
  });

  it("five subreddits share a chain, each with all the listings", () => {
    const listings = [hot, { sort: "new", limit: 5 } as const];
    const chains = chainRequests(names.slice(0, 7), plan({ listings }));
    expect(chains.map(({ url }) => url)).toEqual([
      `${SITE}/r/name0/hot?limit=100`,
      `${SITE}/r/name5/hot?limit=100`,
    ]);
    expect(chains.map(({ userData }) => userData["chain"])).toMatchObject([
      { name: "name0", subreddits: names.slice(1, 5), plan: { listings } },
      { name: "name5", subreddits: ["name6"] },
    ]);
  });

  it("asks only for facts without listings", () => {
    expect(chainRequests(["node"], plan({ listings: [] }))).toEqual([]);
  });

  it("asks nothing about r/all, which is no subreddit", () => {
    expect(start({ subreddits: ["all"] }).map(({ label }) => label)).toEqual(["LISTING"]);
  });

  it("asks for users and searches", () => {
    const searches = ["a", { query: "b", type: "subreddits" }];
    expect(start({ users: ["u/spez"], search: searches }).map(({ label }) => label)).toEqual([
      "USER",
      "SEARCH",
      "SUBREDDIT_SEARCH",
    ]);
  });

  it("lets what has begun go before", () => {
    const starts = start({ subreddits: ["node", "all"], users: ["spez"], search: ["a"] });
    expect(starts.map(({ priority }) => priority)).toEqual([0, 0, 0, 0]);
    expect(listing(hot).priority).toBeGreaterThan(0);
    expect(aboutRequest({ name: "x", plan: plan() }).priority).toBeGreaterThan(0);
  });

  it("the same input gives the same requests", () => {
    expect(start({ subreddits: names, users: ["spez"] })).toEqual(
      start({ subreddits: names, users: ["spez"] }),
    );
  });
});

it("more comments come by the hundred, and no more than are wanted", () => {
  const ids = Array.from({ length: 150 }, (_, index) => `c${index}`);
  const more = (wanted: number) =>
    moreCommentsRequests(ids, { postId: "abc", plan: withComments(9), wanted });
  expect(more(500)[0]!.userData).toMatchObject({ ids: ids.slice(0, 100), restIds: ids.slice(100) });
  expect(more(7)[0]!.userData).toMatchObject({ ids: ids.slice(0, 7) });
  expect(more(0)).toEqual([]);
});

function author(id: string) {
  return { id: `t2_${id}`, username: id };
}

function withComments(per_post: number, depth = 10) {
  return { ...plan(), comments: { per_post, depth } };
}

function commentsOf({ per_post, depth }: { per_post: number; depth: number }) {
  return commentsRequest({ postId: "abc", plan: withComments(per_post, depth) });
}
