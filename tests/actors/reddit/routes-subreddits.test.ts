import { describe, expect, it } from "vitest";
import { newChain } from "../../../actors/reddit/chain.ts";
import { firstPage } from "../../../actors/reddit/paging.ts";
import type { Plan } from "../../../actors/reddit/plan.ts";
import {
  aboutRequest,
  infoRequest,
  listingRequest,
  rulesRequest,
  startOfListings,
  type ListingUserData,
} from "../../../actors/reddit/requests-subreddits.ts";
import { UnexpectedShapeError } from "../../../shared/errors.ts";
import { handle, handleFailed, handleGone, listing, OBSERVED_AT } from "./handling.ts";
import { plan } from "./plans.ts";

const SITE = "https://www.reddit.com";
const post = (id: string, fields: object = {}) => ({
  id,
  name: `t3_${id}`,
  subreddit: "node",
  title: id,
  author: `by_${id}`,
  author_fullname: `t2_${id}`,
  created_utc: 1767323045,
  ...fields,
});
const subreddit = (name: string, fields: object = {}) => ({
  id: `id${name}`,
  name: `t5_id${name}`,
  display_name: name,
  ...fields,
});
const chain = (
  listings: ListingUserData["listings"],
  wishes: Partial<Plan> = {},
  state: Partial<ListingUserData> = {},
) =>
  listingRequest({ ...startOfListings("node", newChain("node", plan({ ...wishes, listings }))), ...state });
const old = (id: string, fields: object = {}) => post(id, { created_utc: 1767225600, ...fields });
const scored = (id: string, score: number, fields: object = {}) =>
  post(id, { score, num_comments: score / 2, is_self: true, ...fields });
const crosspost = (id: string, from: string) =>
  post(id, { crosspost_parent: "t3_x", crosspost_parent_list: [{ subreddit: from }] });
const hotThenNew = chain([
  { sort: "hot", limit: 1000 },
  { sort: "new", limit: 1000 },
]);

describe("INFO", () => {
  const request = infoRequest({ names: ["Node", "gone1", "AskReddit"], plan: plan() });

  it("pushes the subreddits of the answer", async () => {
    const { items } = await handle(request, listing("t5", [subreddit("node"), subreddit("AskReddit")]));
    expect(items.reddit_subreddits).toMatchObject([
      { name: "node", reddit_id: "idnode", availability: "ok", availability_reason: null },
      { name: "AskReddit" },
    ]);
  });

  it("asks about each name that the answer lacks, and no rules where they are not wanted", async () => {
    const { requests } = await handle(request, listing("t5", [subreddit("node")]));
    expect(requests.slice(0, 2).map(({ url }) => url)).toEqual([
      `${SITE}/r/gone1/about`,
      `${SITE}/r/AskReddit/about`,
    ]);
  });

  it("what comes after is about the names as Reddit spells them", async () => {
    const { requests } = await handle(request, listing("t5", [subreddit("askreddit"), subreddit("nOdE")]));
    const start = requests.at(-1)!;
    expect(start.url).toBe(`${SITE}/r/nOdE/hot?limit=100`);
    expect(start.userData["chain"]).toMatchObject({ subreddits: ["gone1", "askreddit"] });
    const { items } = await handleGone(start, { availability: "banned", reason: "banned" });
    expect(items.reddit_subreddits).toMatchObject([{ name: "nOdE", availability: "banned" }]);
  });

  it("asks about each name when the call itself is refused or fails, and reads their listings", async () => {
    const gone = await handleGone(request, { availability: "not_found", reason: "not_found" });
    expect(gone.requests.map(({ label }) => label)).toEqual(["ABOUT", "ABOUT", "ABOUT", "LISTING"]);
    expect(gone.items).toEqual({});
    expect(await handleFailed(request)).toEqual(gone);
  });

  it("asks for the rules, with what the description says about verification", async () => {
    const withRules = infoRequest({ names: ["a1", "b2"], plan: plan({ rules: true, listings: [] }) });
    const body = listing("t5", [
      subreddit("a1", { description: "Hi. All posters must verify. Bye." }),
      subreddit("b2"),
    ]);
    const { items, requests } = await handle(withRules, body);
    expect(requests.map(({ url, userData }) => [url, userData["evidence"]])).toEqual([
      [`${SITE}/r/a1/about/rules`, "All posters must verify"],
      [`${SITE}/r/b2/about/rules`, null],
    ]);
    expect(items.reddit_subreddits![0]).toMatchObject({
      verification_required: true,
      verification_evidence: "All posters must verify",
    });
    expect(items.reddit_subreddits![1]).not.toHaveProperty("verification_required");
  });
});

describe("ABOUT", () => {
  const request = aboutRequest({ name: "node", plan: plan({ rules: true }) });

  it("pushes the subreddit and asks for its rules", async () => {
    const { items, requests } = await handle(request, { kind: "t5", data: subreddit("Node") });
    expect(items.reddit_subreddits).toMatchObject([{ name: "Node", availability: "ok" }]);
    expect(requests.map(({ label }) => label)).toEqual(["RULES"]);
  });

  it("null subscribers stay null", async () => {
    const data = subreddit("Node", { subscribers: null });
    const { items } = await handle(request, { kind: "t5", data });
    expect(items.reddit_subreddits).toMatchObject([{ subscribers: null }]);
  });

  it.each([
    ["private", "private"],
    ["quarantined", "quarantined"],
    ["gated", "gated"],
    ["banned", "banned"],
    ["not_found", "not_found"],
    ["private", "gold_only"],
  ] as const)("keeps that a subreddit is %s (%s), and asks nothing more", async (availability, reason) => {
    const { items, requests } = await handleGone(request, { availability, reason });
    expect(items.reddit_subreddits).toEqual([{ name: "node", availability, availability_reason: reason }]);
    expect(requests).toEqual([]);
  });

  it("an answer that states nothing about the subreddit changes nothing", async () => {
    expect(await handleGone(request, { availability: null, reason: "forbidden" })).toEqual({
      items: {},
      requests: [],
    });
  });
});

describe("RULES", () => {
  const body = {
    rules: [
      {
        short_name: "Be kind",
        kind: "all",
        priority: 0,
        description: "",
        violation_reason: "Unkind",
        created_utc: 1,
      },
      { short_name: "Verify", kind: "link", priority: 1, description: "Please get verified first!" },
    ],
    site_rules: ["Spam"],
  };

  it("keeps the rules in one shape, and the sentence that asks for verification", async () => {
    const { items } = await handle(rulesRequest({ subreddit: "node", evidence: null }), body);
    expect(items.reddit_subreddits).toEqual([
      {
        name: "node",
        rules_data: [
          { short_name: "Be kind", kind: "all", priority: 0, description: "", violation_reason: "Unkind" },
          { short_name: "Verify", kind: "link", priority: 1, description: "Please get verified first!" },
        ],
        verification_required: true,
        verification_evidence: "Please get verified first",
      },
    ]);
  });

  it("is a no only where neither description nor rules ask", async () => {
    const without = { rules: [body.rules[0]] };
    const { items } = await handle(rulesRequest({ subreddit: "node", evidence: null }), without);
    expect(items.reddit_subreddits).toMatchObject([
      { verification_required: false, verification_evidence: null },
    ]);
    const said = await handle(rulesRequest({ subreddit: "node", evidence: "You must verify" }), without);
    expect(said.items.reddit_subreddits).toMatchObject([
      { verification_required: true, verification_evidence: "You must verify" },
    ]);
  });

  it("missing rules say nothing about the subreddit", async () => {
    const request = rulesRequest({ subreddit: "node", evidence: null });
    const { items } = await handleGone(request, { availability: "not_found", reason: "not_found" });
    expect(items).toEqual({});
  });
});

describe("LISTING", () => {
  it("pushes the posts and follows the cursor", async () => {
    const { items, requests } = await handle(hotThenNew, listing("t3", [post("a"), post("b")], "t3_b"));
    expect(items.reddit_posts).toMatchObject([{ reddit_id: "a" }, { reddit_id: "b" }]);
    expect(requests.map(({ url }) => url)).toEqual([`${SITE}/r/node/hot?limit=100&after=t3_b`]);
  });

  it("goes on with the next listing after the last page", async () => {
    const { requests } = await handle(hotThenNew, listing("t3", [post("a")]));
    expect(requests.map(({ url }) => url)).toEqual([`${SITE}/r/node/new?limit=100`]);
    expect(requests[0]!.userData["paging"]).toEqual({ limit: 1000, afters: [], seenIds: [] });
  });

  it("a bare 404 of a page is about that listing alone", async () => {
    const gone = { status: 404, availability: "not_found" as const, reason: "not_found" };
    const { items, requests } = await handleGone(hotThenNew, gone);
    expect(items).toEqual({});
    expect(requests.map(({ url }) => url)).toEqual([`${SITE}/r/node/new?limit=100`]);
    const redirected = await handleGone(hotThenNew, { ...gone, status: 302 });
    expect(redirected.items.reddit_subreddits).toMatchObject([{ availability: "not_found" }]);
    expect(redirected.requests).toEqual([]);
  });

  it("a broken post is a failure of its own and loses no neighbour", async () => {
    const { items } = await handle(
      hotThenNew,
      listing("t3", [post("a"), { ...post("b"), id: 7 }, {}, post("c")]),
    );
    expect(items.reddit_posts).toMatchObject([{ reddit_id: "a" }, { reddit_id: "c" }]);
    expect(items.failed_requests).toMatchObject([
      { request_id: "request1#t3_b", url: hotThenNew.url, label: "LISTING", outcome: "malformed" },
      { request_id: "request1##2" },
    ]);
    expect(items.failed_requests![0]!["last_error"]).toContain("id: ");
  });

  it("fails when no post of the page can be read", async () => {
    await expect(handle(hotThenNew, listing("t3", [{ id: "a" }]))).rejects.toThrow(UnexpectedShapeError);
  });

  it("keeps what the site states about the subreddit, and asks it nothing more", async () => {
    const { items, requests } = await handleGone(hotThenNew, { availability: "private", reason: "private" });
    expect(items.reddit_subreddits).toEqual([
      { name: "node", availability: "private", availability_reason: "private" },
    ]);
    expect(requests).toEqual([]);
  });

  it("tries the other listings when only this one is refused or fails", async () => {
    const refused = await handleGone(hotThenNew, { availability: null, reason: "bad_request" });
    expect(refused.items).toEqual({});
    expect(refused.requests.map(({ url }) => url)).toEqual([`${SITE}/r/node/new?limit=100`]);
    expect(await handleFailed(hotThenNew)).toEqual(refused);
  });
});

describe("authors", () => {
  const hot = [{ sort: "hot", limit: 100 } as const];

  it("travel with the listings, each once, the deleted ones aside", async () => {
    const request = chain(hot, { authors: "batch" });
    const deleted = post("d", { author: "[deleted]", author_fullname: undefined });
    const { requests } = await handle(
      request,
      listing("t3", [post("a"), post("a"), deleted, post("b")], "t3_b"),
    );
    const authors = [
      { id: "t2_a", username: "by_a" },
      { id: "t2_b", username: "by_b" },
    ];
    expect(requests).toMatchObject([{ label: "LISTING", userData: { authors } }]);
    const last = await handle(requests[0]!, listing("t3", [post("c")]));
    expect(last.requests.map(({ url }) => url)).toEqual([
      `${SITE}/api/user_data_by_account_ids?ids=t2_a,t2_b,t2_c`,
    ]);
  });

  it("full asks for each one's profile", async () => {
    const { requests } = await handle(chain(hot, { authors: "full" }), listing("t3", [post("a"), post("b")]));
    expect(requests.map(({ url }) => url)).toEqual([
      `${SITE}/user/by_a/about`,
      `${SITE}/user/by_b/about`,
      `${SITE}/api/user_data_by_account_ids?ids=t2_a,t2_b`,
    ]);
    expect(requests[0]!.userData).toMatchObject({ isPoster: true });
  });
});

describe("metrics", () => {
  const topOfWeek = { sort: "top", time: "week", limit: 1000 } as const;

  it("are of the week's top posts, stickied ones aside", async () => {
    const posts = [scored("a", 30), scored("b", 10), scored("c", 900, { stickied: true })];
    const { items } = await handle(chain([topOfWeek]), listing("t3", posts));
    expect(items.reddit_subreddits).toMatchObject([
      {
        name: "node",
        avg_upvotes_per_post: 20,
        avg_comments_per_post: 10,
        engagement: 0.5,
        subreddit_score: 100,
        metrics_sample_size: 2,
        metrics_window: "week",
        metrics_at: OBSERVED_AT,
      },
    ]);
  });

  it("add up over the pages, counting each post once", async () => {
    const first = await handle(chain([topOfWeek]), listing("t3", [scored("a", 30), scored("b", 10)], "t3_b"));
    const { items } = await handle(first.requests[0]!, listing("t3", [scored("b", 10), scored("c", 2)]));
    expect(items.reddit_subreddits).toMatchObject([{ metrics_sample_size: 3, avg_upvotes_per_post: 14 }]);
  });

  it.each([{ sort: "top", time: "day", limit: 9 } as const, { sort: "hot", limit: 9 } as const])(
    "are of nothing else: %j",
    async (spec) => {
      const { items } = await handle(chain([spec]), listing("t3", [scored("a", 30)]));
      expect(items).not.toHaveProperty("reddit_subreddits");
    },
  );

  it("of a week without posts are null, with the reason", async () => {
    const { items } = await handle(chain([topOfWeek]), listing("t3", []));
    expect(items.reddit_subreddits).toMatchObject([
      { name: "node", engagement: null, metrics_sample_size: 0, metrics_reason: "no posts in the last week" },
    ]);
  });
});

describe("since", () => {
  const since = "2026-01-02T00:00:00.000Z";
  const fresh = [{ sort: "new", limit: 1000 } as const];

  it("keeps nothing older, and ends a new listing that has got there", async () => {
    const posts = [post("a"), ...["b", "c", "d", "e", "f", "g"].map((id) => old(id))];
    const { items, requests } = await handle(chain(fresh, { since }), listing("t3", posts, "t3_g"));
    expect(items.reddit_posts).toMatchObject([{ reddit_id: "a" }]);
    expect(requests).toEqual([]);
  });

  it("a few old posts end nothing, wherever they stand", async () => {
    const goOn = async (...posts: object[]) => {
      const { requests } = await handle(chain(fresh, { since }), listing("t3", posts, "t3_z"));
      return requests.length;
    };
    expect(await goOn(old("a"), post("b"))).toBe(1);
    expect(await goOn(post("a"), old("b"), old("z"))).toBe(1);
    // A first page of nothing else.
    expect(await goOn(old("a"), old("b"), old("z"))).toBe(1);
    const stickied = Array.from({ length: 20 }, (_, i) => old(`s${i}`, { stickied: true }));
    expect(await goOn(post("a"), ...stickied)).toBe(1);
  });

  it("a second page with nothing new is the last", async () => {
    const first = await handle(chain(fresh, { since }), listing("t3", [old("a")], "t3_a"));
    expect((await handle(first.requests[0]!, listing("t3", [old("b")], "t3_b"))).requests).toEqual([]);
  });

  it("an order other than time goes on", async () => {
    const hot = chain([{ sort: "hot", limit: 1000 }], { since });
    expect((await handle(hot, listing("t3", [old("b")], "t3_b"))).requests).toHaveLength(1);
  });
});

describe("until_known", () => {
  const fresh = chain([{ sort: "new", limit: 2 }], { until_known: true }, { paging: firstPage(2) });
  const key = "known-posts-node";

  it("asks for whole pages, for it cannot know how many posts are new", async () => {
    const listings = [{ sort: "hot", limit: 5 } as const, { sort: "new", limit: 5 } as const];
    const hot = chain(listings, { until_known: true });
    expect(hot.url).toBe(`${SITE}/r/node/hot?limit=5`);
    const { requests } = await handle(hot, listing("t3", [post("a")]));
    expect(requests.map(({ url }) => url)).toEqual([`${SITE}/r/node/new?limit=100`]);
  });

  it("the first run reads to its limit and remembers what it saw", async () => {
    const records: Record<string, unknown> = {};
    const { requests } = await handle(fresh, listing("t3", [post("b"), post("a")], "t3_a"), { records });
    expect(requests).toEqual([]);
    expect(records).toEqual({ [key]: { ids: ["t3_b", "t3_a"] } });
  });

  it("a later run reads on to what is known, past its limit, and remembers at the end alone", async () => {
    const records = { [key]: { ids: ["t3_b", "t3_a"] } };
    const page1 = await handle(fresh, listing("t3", [post("f"), post("e")], "t3_e"), { records });
    expect(page1.requests.map(({ url }) => url)).toEqual([`${SITE}/r/node/new?limit=100&after=t3_e`]);
    expect(records[key].ids).toEqual(["t3_b", "t3_a"]);
    const page2 = await handle(page1.requests[0]!, listing("t3", [post("c"), post("b")], "t3_b"), {
      records,
    });
    expect(page2.requests).toEqual([]);
    expect(page2.items.reddit_posts).toMatchObject([{ reddit_id: "c" }, { reddit_id: "b" }]);
    expect(records[key].ids).toEqual(["t3_f", "t3_e", "t3_c", "t3_b", "t3_a"]);
  });

  it("is not taken for the first run when what is known cannot be read", async () => {
    const records = { [key]: { ids: "t3_a" } };
    await expect(handle(fresh, listing("t3", [post("b")]), { records })).rejects.toThrow(
      `record ${key} cannot be read: ids: expected a list, got a text`,
    );
    expect(records).toEqual({ [key]: { ids: "t3_a" } });
  });

  it("finds its way when the newest known post was deleted", async () => {
    const records = { [key]: { ids: ["t3_gone", "t3_a"] } };
    const page1 = await handle(fresh, listing("t3", [post("c"), post("a")], "t3_a"), { records });
    expect(page1.requests).toHaveLength(1);
    const page2 = await handle(page1.requests[0]!, listing("t3", [post("a")], "t3_a"), { records });
    expect(page2.requests).toEqual([]);
  });

  it("is not misled by a known post that stands before newer ones", async () => {
    const records = { [key]: { ids: ["t3_b", "t3_a"] } };
    const { requests } = await handle(fresh, listing("t3", [post("a"), post("d")], "t3_d"), { records });
    expect(requests).toHaveLength(1);
    expect(records[key].ids).toEqual(["t3_b", "t3_a"]);
  });

  it("ends with the first page where it shows nothing but what is known, the newest of all", async () => {
    const records = { [key]: { ids: ["t3_b", "t3_a"] } };
    const { requests } = await handle(fresh, listing("t3", [post("b"), post("a")], "t3_a"), { records });
    expect(requests).toEqual([]);
  });

  it("the other listings neither stop at known posts nor remember theirs", async () => {
    const records = { [key]: { ids: ["t3_a"] } };
    const hot = chain([{ sort: "hot", limit: 1000 }], { until_known: true });
    expect((await handle(hot, listing("t3", [post("a")], "t3_a"), { records })).requests).toHaveLength(1);
    expect(records[key].ids).toEqual(["t3_a"]);
  });
});

describe("what else the plan wants", () => {
  const hot = [{ sort: "hot", limit: 100 } as const];

  it("comments of each post that has some", async () => {
    const request = chain(hot, { comments: { per_post: 10, depth: 2 } });
    const posts = [post("a", { num_comments: 3 }), post("b", { num_comments: 0 }), post("c")];
    const { requests } = await handle(request, listing("t3", posts));
    expect(requests.map(({ url }) => url)).toEqual([
      `${SITE}/comments/a?limit=10&depth=2&sort=confidence`,
      `${SITE}/comments/c?limit=10&depth=2&sort=confidence`,
    ]);
  });

  it("discoveries where a crosspost comes from elsewhere", async () => {
    const posts = [
      crosspost("a", "Deno"),
      crosspost("b", "deno"),
      crosspost("c", "u_spez"),
      crosspost("d", "node"),
    ];
    const { items } = await handle(chain(hot, { discover: true }), listing("t3", posts));
    expect(items.reddit_discoveries).toEqual([{ name: "Deno", seen_in: "r/node" }]);
  });
});
