import { describe, expect, it } from "vitest";
import { firstPage } from "../../../actors/reddit/paging.ts";
import type { Plan } from "../../../actors/reddit/plan.ts";
import { searchRequest } from "../../../actors/reddit/requests-search.ts";
import { historyRequest, userRequest } from "../../../actors/reddit/requests-users.ts";
import { handle, handleFailed, handleGone, listing } from "./handling.ts";
import { plan } from "./plans.ts";

const SITE = "https://www.reddit.com";
const post = (id: string, fields: object = {}) => ({
  id,
  name: `t3_${id}`,
  subreddit: "node",
  author: "Alice",
  author_fullname: "t2_al",
  created_utc: 1767323045,
  score: 4,
  num_comments: 2,
  is_self: true,
  ...fields,
});
const comment = (id: string, fields: object = {}) => ({
  id,
  name: `t1_${id}`,
  link_id: "t3_x",
  subreddit: "node",
  created_utc: 1767323045,
  replies: "",
  ...fields,
});
const about = (fields: object = {}) => ({
  kind: "t2",
  data: {
    name: "Alice",
    id: "al",
    created_utc: 1_600_000_000,
    link_karma: 40,
    comment_karma: 60,
    is_mod: true,
    hide_from_robots: false,
    icon_img: "https://x/icon.png",
    accept_followers: true,
    subreddit: {
      display_name: "u_Alice",
      title: "Alice's",
      subscribers: 3,
      over_18: false,
      banner_img: "",
      public_description: "See (https://alice.example/a?b=1) or mail",
    },
    ...fields,
  },
});
const history = (wishes: Partial<Plan> = {}, { hasPosts = true, limit = 1000 } = {}) =>
  historyRequest({ username: "Alice", plan: plan(wishes), paging: firstPage(limit), hasPosts, newest: [] });
const searchFor = (spec: object, wishes: Partial<Plan> = {}) =>
  searchRequest({
    spec: { query: "cats", type: "posts", sort: "new", time: "all", limit: 1000, ...spec },
    plan: plan(wishes),
    paging: firstPage(1000),
    authors: [],
  });

describe("USER", () => {
  const request = userRequest({ username: "alice", plan: plan(), isPoster: false });
  it("keeps the profile and asks for the history", async () => {
    const { items, requests } = await handle(request, about());
    expect(items.reddit_users).toMatchObject([
      {
        username: "Alice",
        reddit_id: "al",
        total_karma: 100,
        icon_img: "https://x/icon.png",
        subreddit_display_name: "u_Alice",
        subreddit_title: "Alice's",
        bio: "See (https://alice.example/a?b=1) or mail",
        bio_url: "https://alice.example/a?b=1",
        availability: "ok",
        karma_quality_score: 5.25,
      },
    ]);
    expect(requests.map(({ url }) => url)).toEqual([`${SITE}/user/Alice/submitted?limit=100&sort=new`]);
    expect(requests[0]!.userData).toMatchObject({ hasPosts: true });
  });

  it.each([{ hide_from_robots: true }, { hide_from_robots: undefined }])(
    "of those who do not let robots in, it keeps no text and no picture, and asks for no history: %j",
    async (fields) => {
      const { items, requests } = await handle(request, about(fields));
      expect(items.reddit_users).toMatchObject([
        { username: "Alice", total_karma: 100, subreddit_subscribers: 3 },
      ]);
      for (const field of ["icon_img", "subreddit_title", "subreddit_banner_img", "bio", "bio_url"])
        expect(items.reddit_users![0]).not.toHaveProperty(field);
      expect(requests).toEqual([]);
    },
  );

  it("a total that the site gives is kept, awards and all", async () => {
    const { items } = await handle(request, about({ total_karma: 123 }));
    expect(items.reddit_users).toMatchObject([{ total_karma: 123 }]);
  });

  it("a suspended account's zeros are not kept", async () => {
    const body = {
      kind: "t2",
      data: { name: "Alice", is_suspended: true, total_karma: 0, awardee_karma: 0 },
    };
    const { items, requests } = await handle(request, body);
    expect(items.reddit_users).toEqual([
      { username: "Alice", is_suspended: true, availability: "suspended", availability_reason: "suspended" },
    ]);
    expect(requests).toEqual([]);
  });

  it("a missing or shadowbanned account is not found", async () => {
    const { items } = await handleGone(request, { availability: "not_found", reason: "not_found" });
    expect(items.reddit_users).toEqual([
      { username: "alice", availability: "not_found", availability_reason: "not_found" },
    ]);
  });

  it("an account that is gone keeps the spelling that Reddit gave", async () => {
    const gone = { availability: "not_found" as const, reason: "not_found" };
    const { items } = await handleGone(request, gone, { users: [{ username: "Alice" }] });
    expect(items.reddit_users).toMatchObject([{ username: "Alice", availability: "not_found" }]);
  });

  it("an answer that states nothing about the account changes nothing", async () => {
    expect((await handleGone(request, { availability: null, reason: "forbidden" })).items).toEqual({});
  });

  it("no karma does not mean no posts when the run saw one", async () => {
    const { userData } = request;
    const hasPosts = async (isPoster: boolean) =>
      (await handle({ ...request, userData: { ...userData, isPoster } }, about({ link_karma: 1 })))
        .requests[0]!.userData["hasPosts"];
    expect([await hasPosts(false), await hasPosts(true)]).toEqual([false, true]);
  });
});

describe("HISTORY", () => {
  const { user_history } = plan();

  it("keeps posts and comments, and follows the cursor", async () => {
    const page = listing("t3", [post("a")], "t1_c");
    page.data.children.push({ kind: "t1", data: comment("c") });
    const { items, requests } = await handle(
      history({ user_history: { ...user_history, listing: "overview" } }),
      page,
    );
    expect(items.reddit_posts).toMatchObject([{ reddit_id: "a" }]);
    expect(items.reddit_comments).toMatchObject([{ reddit_id: "c" }]);
    expect(requests[0]!.userData["paging"]).toMatchObject({ afters: ["t1_c"], seenIds: ["t3_a", "t1_c"] });
  });

  it("the first page shows whether somebody hides it, all of them together how they post", async () => {
    const first = await handle(history(), listing("t3", [post("a")], "t3_a"));
    expect(first.items.reddit_users).toMatchObject([
      { username: "Alice", history_hidden: "no", avg_post_score: 4, total_posts_analyzed: 1 },
    ]);
    const more = [post("a"), post("b", { score: 5, created_utc: 1767323000 })];
    const second = await handle(first.requests[0]!, listing("t3", more, "t3_b"));
    expect(second.items.reddit_users).toMatchObject([
      { username: "Alice", avg_post_score: 4.5, total_posts_analyzed: 2 },
    ]);
    expect(second.items.reddit_users![0]).not.toHaveProperty("history_hidden");
  });

  it("a page without posts, and what comes after thirty, changes no averages", async () => {
    const overview = history({ user_history: { ...user_history, listing: "overview" } });
    const posts = Array.from({ length: 30 }, (_, index) => post(`p${index}`));
    const first = await handle(overview, listing("t3", posts, "t3_p29"));
    const comments = await handle(first.requests[0]!, listing("t1", [comment("c")], "t1_c"));
    expect(comments.items).not.toHaveProperty("reddit_users");
    const older = post("old", { score: 999, created_utc: 1767323000 });
    const last = await handle(comments.requests[0]!, listing("t3", [older]));
    expect(last.items).not.toHaveProperty("reddit_users");
  });

  it.each([
    [true, "likely"],
    [false, "unknown"],
  ])("an empty history of somebody with posts (%j) is hidden: %s", async (hasPosts, expected) => {
    const { items } = await handle(history({}, { hasPosts }), listing("t3", []));
    expect(items.reddit_users).toMatchObject([
      { history_hidden: expected, total_posts_analyzed: 0, avg_post_score: null },
    ]);
  });

  it("an order other than new shows no averages, comments alone show nothing", async () => {
    const top = history({ user_history: { ...user_history, sort: "top", time: "all" } });
    expect((await handle(top, listing("t3", [post("a")]))).items.reddit_users).toEqual([
      { username: "Alice", history_hidden: "no" },
    ]);
    const comments = history({ user_history: { ...user_history, listing: "comments" } });
    expect((await handle(comments, listing("t1", [comment("a")]))).items).not.toHaveProperty("reddit_users");
  });

  it("the subreddits that somebody posts in are discoveries, profiles are not", async () => {
    const posts = [post("a", { subreddit: "Deno" }), post("b"), post("c", { subreddit: "u_Alice" })];
    const { items } = await handle(history({ discover: true }), listing("t3", posts));
    expect(items.reddit_discoveries).toEqual([
      { name: "Deno", seen_in: "u/Alice" },
      { name: "node", seen_in: "u/Alice" },
    ]);
  });

  it("ends where nothing newer than since is left", async () => {
    const wishes = { since: "2026-01-02T00:00:00.000Z" };
    const old = post("b", { created_utc: 1767225600 });
    const page1 = await handle(history(wishes), listing("t3", [old, post("a"), old], "t3_b"));
    expect(page1.items.reddit_posts).toMatchObject([{ reddit_id: "a" }]);
    const page2 = await handle(page1.requests[0]!, listing("t3", [post("c", { created_utc: 1 })], "t3_c"));
    expect(page2).toMatchObject({ requests: [] });
  });

  it("a refused history changes nothing", async () => {
    const result = await handleGone(history(), { availability: "not_found", reason: "not_found" });
    expect(result).toEqual({ items: {}, requests: [] });
  });
});

describe("SEARCH", () => {
  it("keeps posts, follows the cursor, and asks for the authors at the end", async () => {
    const wishes = { authors: "batch", discover: true } as const;
    const first = await handle(searchFor({}, wishes), listing("t3", [post("a")], "t3_a"));
    expect(first.items.reddit_posts).toMatchObject([{ reddit_id: "a" }]);
    expect(first.items.reddit_discoveries).toEqual([{ name: "node", seen_in: "search/all/new/all/cats" }]);
    expect(first.requests).toMatchObject([
      { label: "SEARCH", userData: { authors: [{ id: "t2_al", username: "Alice" }] } },
    ]);
    const failed = await handleFailed(first.requests[0]!);
    expect(failed.requests).toMatchObject([{ label: "AUTHORS" }]);
    const gone = { availability: "not_found" as const, reason: "not_found", status: 404 };
    expect(await handleGone(first.requests[0]!, gone)).toEqual(failed);
    const last = await handle(first.requests[0]!, listing("t3", [post("b")]));
    expect(last.requests.map(({ url }) => url)).toEqual([`${SITE}/api/user_data_by_account_ids?ids=t2_al`]);
  });

  it("finds subreddits", async () => {
    const found = { id: "c1", name: "t5_c1", display_name: "cats" };
    const { items, requests } = await handle(
      searchFor({ type: "subreddits" }, { discover: true }),
      listing("t5", [found, { ...found, id: "u1", name: "t5_u1", display_name: "u_cat" }], "t5_u1"),
    );
    expect(items.reddit_subreddits).toMatchObject([{ name: "cats" }, { name: "u_cat" }]);
    expect(items.reddit_discoveries).toEqual([{ name: "cats", seen_in: "search/subreddits/cats" }]);
    expect(requests.map(({ url }) => url)).toEqual([
      `${SITE}/subreddits/search?limit=100&q=cats&after=t5_u1`,
    ]);
  });
});
