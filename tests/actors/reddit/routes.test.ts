import { describe, expect, it } from "vitest";
import { aboutRequest, infoRequest, listingRequest } from "../../../actors/reddit/requests.ts";
import { UnexpectedShapeError } from "../../../shared/errors.ts";
import { handle, handleGone, listing } from "./handling.ts";

const post = (id: string) => ({ id, name: `t3_${id}`, subreddit: "node", title: id, author: "alice" });
const subreddit = (name: string) => ({ id: `id${name}`, name: `t5_id${name}`, display_name: name });
const hot = listingRequest({
  subreddit: "node",
  listings: [
    { sort: "hot", limit: 1000 },
    { sort: "new", limit: 1000 },
  ],
  afters: [],
  seenIds: [],
});

describe("INFO", () => {
  const request = infoRequest({ names: ["Node", "gone1", "AskReddit"] });

  it("pushes the subreddits of the answer", async () => {
    const { items } = await handle(request, listing("t5", [subreddit("node"), subreddit("AskReddit")]));
    expect(items.reddit_subreddits).toMatchObject([
      { name: "node", reddit_id: "idnode", availability: "ok", availability_reason: null },
      { name: "AskReddit" },
    ]);
  });

  it("asks about each name that the answer lacks", async () => {
    const { requests } = await handle(request, listing("t5", [subreddit("node")]));
    expect(requests.map(({ url }) => url)).toEqual([
      "https://www.reddit.com/r/gone1/about",
      "https://www.reddit.com/r/AskReddit/about",
    ]);
  });

  it("asks about each name when the call itself is refused", async () => {
    const { requests, items } = await handleGone(request, { availability: "not_found", reason: "not_found" });
    expect(requests).toHaveLength(3);
    expect(items).toEqual({});
  });
});

describe("ABOUT", () => {
  const request = aboutRequest({ name: "node" });

  it("pushes the subreddit", async () => {
    const { items } = await handle(request, { kind: "t5", data: subreddit("Node") });
    expect(items.reddit_subreddits).toMatchObject([{ name: "Node", availability: "ok" }]);
  });

  it.each([
    ["private", "private"],
    ["quarantined", "quarantined"],
    ["gated", "gated"],
    ["banned", "banned"],
    ["not_found", "not_found"],
    ["private", "gold_only"],
  ] as const)("keeps that a subreddit is %s (%s)", async (availability, reason) => {
    const { items } = await handleGone(request, { availability, reason });
    expect(items.reddit_subreddits).toEqual([{ name: "node", availability, availability_reason: reason }]);
  });

  it("an answer that states nothing about the subreddit changes nothing", async () => {
    expect(await handleGone(request, { availability: null, reason: "forbidden" })).toEqual({
      items: {},
      requests: [],
    });
  });
});

describe("LISTING", () => {
  it("pushes the posts and follows the cursor", async () => {
    const { items, requests } = await handle(hot, listing("t3", [post("a"), post("b")], "t3_b"));
    expect(items.reddit_posts).toMatchObject([{ reddit_id: "a" }, { reddit_id: "b" }]);
    expect(requests.map(({ url }) => url)).toEqual([
      "https://www.reddit.com/r/node/hot?limit=100&after=t3_b",
    ]);
  });

  it("goes on with the next listing after the last page", async () => {
    const { requests } = await handle(hot, listing("t3", [post("a")]));
    expect(requests.map(({ url }) => url)).toEqual(["https://www.reddit.com/r/node/new?limit=100"]);
  });

  it("a broken post is a failure of its own and loses no neighbour", async () => {
    const { items } = await handle(hot, listing("t3", [post("a"), { ...post("b"), id: 7 }, {}, post("c")]));
    expect(items.reddit_posts).toMatchObject([{ reddit_id: "a" }, { reddit_id: "c" }]);
    expect(items.failed_requests).toMatchObject([
      { request_id: "request1#t3_b", url: hot.url, label: "LISTING", outcome: "malformed" },
      { request_id: "request1##2" },
    ]);
    expect(items.failed_requests![0]!["last_error"]).toContain("id: ");
  });

  it("fails when no post of the page can be read", async () => {
    await expect(handle(hot, listing("t3", [{ id: "a" }]))).rejects.toThrow(UnexpectedShapeError);
  });

  it("keeps what the site states about the subreddit, and asks it nothing more", async () => {
    const { items, requests } = await handleGone(hot, { availability: "private", reason: "private" });
    expect(items.reddit_subreddits).toEqual([
      { name: "node", availability: "private", availability_reason: "private" },
    ]);
    expect(requests).toEqual([]);
  });

  it("tries the other listings when only this one is refused", async () => {
    const { items, requests } = await handleGone(hot, { availability: null, reason: "bad_request" });
    expect(items).toEqual({});
    expect(requests.map(({ url }) => url)).toEqual(["https://www.reddit.com/r/node/new?limit=100"]);
  });
});
