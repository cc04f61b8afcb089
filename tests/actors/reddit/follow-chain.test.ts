import { describe, expect, it } from "vitest";
import { newChain, type Author, type Chain } from "../../../actors/reddit/chain.ts";
import { listingRequest, startOfListings } from "../../../actors/reddit/requests-subreddits.ts";
import { authorsRequest } from "../../../actors/reddit/requests-users.ts";
import { handle, handleFailed, handleGone, listing } from "./handling.ts";
import { plan } from "./plans.ts";

const SITE = "https://www.reddit.com";
const withAuthors = plan({ authors: "batch", listings: [{ sort: "hot", limit: 100 }] });
const author = (n: number): Author => ({ id: `t2_${n}`, username: `User${n}` });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const post = (n: number) => ({
  id: `p${n}`,
  name: `t3_p${n}`,
  subreddit: "node",
  author: author(n).username,
  author_fullname: author(n).id,
});
const page = (...authors: number[]) => listing("t3", authors.map(post));
const account = (n: number) => ({
  name: author(n).username,
  created_utc: 1_600_000_000,
  link_karma: n,
  comment_karma: 2 * n,
});
const accounts = (...authors: number[]) => Object.fromEntries(authors.map((n) => [author(n).id, account(n)]));
/** As the run has a user whom another chain asked for. */
const user = (n: number) => ({
  username: author(n).username,
  created_utc: "2020-09-13T12:26:40.000Z",
  link_karma: n,
  comment_karma: 2 * n,
});
const start = (subreddits: string[], state: Partial<Chain> = {}) =>
  listingRequest(startOfListings("node", { ...newChain("node", withAuthors, subreddits), ...state }));
const asks = (...authors: number[]) =>
  `${SITE}/api/user_data_by_account_ids?ids=${authors.map((n) => author(n).id).join(",")}`;

describe("a chain", () => {
  it("goes on with the next subreddit before it asks for a few authors", async () => {
    const { requests, items } = await handle(start(["deno", "bun"]), page(1, 2));
    expect(requests.map(({ url }) => url)).toEqual([`${SITE}/r/deno/hot?limit=100`]);
    expect(requests[0]!.userData["chain"]).toMatchObject({
      subreddits: ["bun"],
      unknown: [author(1), author(2)],
      waiting: [{ subreddit: "node", usernames: ["User1", "User2"] }],
    });
    expect(items).not.toHaveProperty("reddit_subreddits");
  });

  it("asks for the authors of all its subreddits after the last one, each once", async () => {
    const second = await handle((await handle(start(["deno"]), page(1, 2))).requests[0]!, page(2, 3));
    expect(second.requests.map(({ url }) => url)).toEqual([asks(1, 2, 3)]);
  });

  it("asks for a hundred as soon as it has as many, and goes on with the rest", async () => {
    const first = await handle(
      start(["deno"], { unknown: range(0, 60).map(author) }),
      page(...range(50, 150)),
    );
    expect(first.requests.map(({ url }) => url)).toEqual([asks(...range(0, 100))]);
    const { requests } = await handle(first.requests[0]!, accounts(...range(0, 100)));
    expect(requests.map(({ url }) => url)).toEqual([`${SITE}/r/deno/hot?limit=100`]);
    expect(requests[0]!.userData["chain"]).toMatchObject({ unknown: range(100, 150).map(author) });
  });

  it("asks for nobody whom the run knows", async () => {
    const { requests } = await handle(start([]), page(1, 2, 3), { users: [user(2)] });
    expect(requests.map(({ url }) => url)).toEqual([asks(1, 3)]);
  });

  it("asks for those of whom the run has nothing but their suspension", async () => {
    const { requests } = await handle(start([]), page(1), {
      users: [{ username: "User1", is_suspended: true }],
    });
    expect(requests.map(({ url }) => url)).toEqual([asks(1)]);
  });

  it("asks for nobody whom another chain asked for meanwhile", async () => {
    const { requests } = await handle(start([], { unknown: [author(1), author(2)] }), page(3), {
      users: [user(1)],
    });
    expect(requests.map(({ url }) => url)).toEqual([asks(2, 3)]);
  });

  it("shows at its end what it takes to post in each of its subreddits, by known and new authors", async () => {
    const waiting = [
      { subreddit: "node", usernames: range(1, 13).map((n) => author(n).username) },
      { subreddit: "deno", usernames: ["User1"] },
    ];
    const request = authorsRequest({
      ...newChain("node", withAuthors),
      waiting,
      unknown: range(1, 4).map(author),
    });
    const known = { users: range(4, 12).map(user) };
    const { items, requests } = await handle(request, accounts(1, 2, 3), known);
    expect(items.reddit_subreddits).toMatchObject([
      { name: "node", requirement_sample_size: 11, min_post_karma: 2, min_comment_karma: 4 },
      {
        name: "deno",
        requirement_sample_size: 1,
        min_post_karma: null,
        requirement_reason: "fewer than 10 authors",
      },
    ]);
    expect(requests).toEqual([]);
  });

  it("shows it at once where all authors are known", async () => {
    const { items, requests } = await handle(start(["deno"]), page(...range(0, 11)), {
      users: range(0, 11).map(user),
    });
    expect(items.reddit_subreddits).toMatchObject([{ name: "node", requirement_sample_size: 11 }]);
    expect(requests[0]!.userData["chain"]).toMatchObject({ waiting: [], unknown: [] });
  });

  it("shows that there were no authors, but only where the site answered", async () => {
    const { items } = await handle(
      start([]),
      listing("t3", [{ ...post(1), author: "[deleted]", author_fullname: undefined }]),
    );
    expect(items.reddit_subreddits).toMatchObject([
      {
        name: "node",
        min_post_karma: null,
        requirement_sample_size: 0,
        requirement_reason: "fewer than 10 authors",
      },
    ]);
    expect((await handleFailed(start([]))).items).toEqual({});
  });

  it("of r/all shows nothing about a subreddit", async () => {
    const all = listingRequest(startOfListings("all", newChain("all", withAuthors)));
    const { requests } = await handle(all, page(1));
    expect(requests[0]!.userData["chain"]).toMatchObject({ waiting: [] });
  });

  it("goes on when a subreddit is closed or fails, with the authors that it saw", async () => {
    const request = start(["deno"]);
    const seen = { ...request, userData: { ...request.userData, authors: [author(1)] } };
    const closed = await handleGone(seen, { availability: "private", reason: "private" });
    expect(closed.requests.map(({ url }) => url)).toEqual([`${SITE}/r/deno/hot?limit=100`]);
    expect(closed.requests[0]!.userData["chain"]).toMatchObject({ unknown: [author(1)] });
    expect((await handleFailed(seen)).requests).toEqual(closed.requests);
  });

  it("goes on when none of its authors is left, or the call for them fails", async () => {
    const request = authorsRequest({
      ...newChain("node", withAuthors, ["deno"]),
      unknown: range(0, 101).map(author),
    });
    const gone = await handleGone(request, { availability: "not_found", reason: "not_found" });
    expect(gone.requests.map(({ url }) => url)).toEqual([`${SITE}/r/deno/hot?limit=100`]);
    expect(gone.items).toEqual({});
    expect(await handleFailed(request)).toEqual(gone);
  });

  it("of those who want no authors asks for none", async () => {
    const without = listingRequest(
      startOfListings("node", newChain("node", { ...withAuthors, authors: "none" }, ["deno"])),
    );
    const { requests, items } = await handle(without, page(1));
    expect(requests[0]!.userData["chain"]).toMatchObject({ unknown: [], waiting: [] });
    expect(items).not.toHaveProperty("reddit_subreddits");
  });
});

describe("AUTHORS", () => {
  const request = authorsRequest({ ...newChain("node", withAuthors), unknown: [author(1), author(9)] });

  it("keeps karma and age alone", async () => {
    const odd = { t2_1: { ...account(1), profile_img: "https://x/y.png", profile_over_18: false } };
    expect((await handle(request, odd)).items.reddit_users).toEqual([
      {
        username: "User1",
        reddit_id: "1",
        created_utc: "2020-09-13T12:26:40.000Z",
        link_karma: 1,
        comment_karma: 2,
      },
    ]);
  });

  it("an account that cannot be read loses no neighbour", async () => {
    const { items } = await handle(request, { ...accounts(1), t2_9: { name: "User9" } });
    expect(items.reddit_users).toMatchObject([{ username: "User1" }]);
    expect(items.failed_requests).toMatchObject([{ request_id: "request1#t2_9", outcome: "malformed" }]);
  });

  it("is another request each time, whoever is asked for", () => {
    const chain = { ...newChain("node", withAuthors), unknown: [author(1)] };
    const keys = [chain, { ...chain, calls: 1 }, { ...chain, name: "deno" }].map(
      (c) => authorsRequest(c).uniqueKey,
    );
    expect(new Set(keys).size).toBe(3);
  });
});
