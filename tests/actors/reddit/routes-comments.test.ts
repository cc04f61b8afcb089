import { describe, expect, it } from "vitest";
import { commentsRequest } from "../../../actors/reddit/requests-comments.ts";
import { UnexpectedShapeError } from "../../../shared/errors.ts";
import tree from "./fixtures/comments-tree.json" with { type: "json" };
import { handle, handleFailed, handleGone } from "./handling.ts";
import { plan } from "./plans.ts";

const SITE = "https://www.reddit.com";
const request = (per_post = 100, wishes = {}) =>
  commentsRequest({ postId: "abc", plan: { ...plan(wishes), comments: { per_post, depth: 10 } } });
const more = (ids: string[]) =>
  `${SITE}/api/morechildren?link_id=t3_abc&children=${ids}&api_type=json&sort=confidence`;
const things = (...children: object[]) => ({ json: { errors: [], data: { things: children } } });
const comment = (id: string) => ({
  kind: "t1",
  data: { id, name: `t1_${id}`, link_id: "t3_abc", subreddit: "node", replies: "" },
});

describe("COMMENTS", () => {
  it("keeps the tree's comments, parents first", async () => {
    const { items } = await handle(request(), tree);
    expect(items.reddit_comments!.map((item) => item["reddit_id"])).toEqual(["c1", "c2", "c5"]);
    expect(items.reddit_comments![0]).toEqual({
      reddit_id: "c1",
      link_id: "t3_abc",
      parent_id: "t3_abc",
      subreddit_name: "node",
      author_username: "bob",
      author_fullname: "t2_bo",
      body: "first",
      score: 5,
      created_utc: "2026-01-02T03:04:05.000Z",
      edited_at: "2026-01-02T04:04:05.000Z",
      depth: 0,
      is_submitter: false,
      stickied: false,
      distinguished: null,
      controversiality: 0,
      permalink: "/r/node/comments/abc/a/c1/",
    });
    expect(items.reddit_comments![1]).toMatchObject({
      author_username: null,
      body: "[removed]",
      edited_at: null,
    });
  });

  it("asks for those that were only counted; a stub that counts none has none", async () => {
    const { requests } = await handle(request(), tree);
    expect(requests.map(({ url }) => url)).toEqual([more(["c3", "c4", "c6"])]);
  });

  it("a broken reply loses neither its parent nor its neighbours", async () => {
    const { items } = await handle(request(), tree);
    expect(items.failed_requests).toMatchObject([{ request_id: "request1#t1_c9" }]);
  });

  it("keeps and asks for no more than is wanted", async () => {
    const two = await handle(request(2), tree);
    expect(two.items.reddit_comments).toHaveLength(2);
    expect(two.requests).toEqual([]);
    const four = await handle(request(4), tree);
    expect(four.requests.map(({ url }) => url)).toEqual([more(["c3"])]);
  });

  it("keeps nothing older than since", async () => {
    const { items } = await handle(request(9, { since: "2026-01-02T03:04:06.000Z" }), tree);
    expect(items.reddit_comments).toMatchObject([{ reddit_id: "c2" }, { reddit_id: "c5" }]);
  });

  it.each([[{}], [[tree[0]]], [[tree[0], { kind: "t1", data: {} }]]])("refuses %j", async (body) => {
    await expect(handle(request(), body)).rejects.toThrow(UnexpectedShapeError);
  });

  it("a post that is gone has none", async () => {
    const gone = await handleGone(request(), { availability: "not_found", reason: "not_found" });
    expect(gone).toEqual({ items: {}, requests: [] });
  });
});

describe("MORE_COMMENTS", () => {
  it("keeps what comes, and goes on with the rest and with new stubs", async () => {
    const [next] = (await handle(request(), tree)).requests;
    const stub = { kind: "more", data: { count: 1, children: ["c7"] } };
    const { items, requests } = await handle(
      { ...next!, userData: { ...next!.userData, restIds: ["c8"] } },
      things(comment("c3"), comment("c4"), stub),
    );
    expect(items.reddit_comments).toMatchObject([{ reddit_id: "c3" }, { reddit_id: "c4" }]);
    expect(requests.map(({ url }) => url)).toEqual([more(["c8", "c7"])]);
    expect(requests[0]!.userData["wanted"]).toBe(100 - 3 - 2);
  });

  it("a call that is refused or fails loses its own comments alone", async () => {
    const [next] = (await handle(request(), tree)).requests;
    const call = { ...next!, userData: { ...next!.userData, restIds: ["c8"] } };
    const refused = await handleGone(call, { availability: null, reason: "bad_request", status: 400 });
    expect(refused.requests.map(({ url }) => url)).toEqual([more(["c8"])]);
    expect(await handleFailed(call)).toEqual(refused);
  });

  it("nothing left to show is no mistake", async () => {
    const [next] = (await handle(request(), tree)).requests;
    expect((await handle(next!, things())).requests).toEqual([]);
  });
});
