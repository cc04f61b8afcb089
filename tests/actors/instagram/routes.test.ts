import { describe, expect, it } from "vitest";
import { parseInput } from "../../../shared/crawl/input.ts";
import { Input } from "../../../actors/instagram/input.ts";
import { startRequests } from "../../../actors/instagram/requests.ts";
import { router } from "../../../actors/instagram/routes.ts";
import { subjectOf } from "../../../actors/instagram/summary.ts";
import { readConfig } from "../../../shared/config.ts";
import type { NewRequest } from "../../../shared/crawl/run-storage.ts";
import { createHandling, OBSERVED_AT } from "../handling.ts";

const { handle, handleFailed, handleGone } = createHandling(router);
const start = (input: object, env: Record<string, string> = {}) =>
  startRequests(parseInput(Input, { usernames: ["nasa"], ...input }), readConfig(env, "none"));
const startOne = (input: object = {}, env: Record<string, string> = {}) => start(input, env)[0]!;

const profile = (fields: object = {}) => ({
  id: "3",
  username: "nasa",
  is_private: false,
  edge_followed_by: { count: 1000 },
  edge_follow: { count: 2 },
  edge_owner_to_timeline_media: { count: 50 },
  status: true,
  ...fields,
});
const DAY = 86_400;
/** Media from the newest down, a day apart; the first one of 2 January 2026. */
const media = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({
    id: `${1000 + from + i}_3`,
    code: "A",
    media_type: 1,
    taken_at: 1767312000 - (from + i) * DAY,
    like_count: 8,
    comment_count: 2,
    like_and_view_counts_disabled: false,
  }));
const feed = (
  count: number,
  { from = 0, cursor = `c${from}` }: { from?: number; cursor?: string | null } = {},
) => ({
  items: media(count, from),
  more_available: cursor !== null,
  next_max_id: cursor,
});
const reels = (count: number) => ({
  items: media(count).map((medium) => ({ media: { ...medium, product_type: "clips", play_count: 100 } })),
  paging_info: { max_id: "", more_available: false },
});
const related = {
  data: { user: { edge_related_profiles: { edges: [{ node: { id: "9", username: "esa" } }] } } },
};

/** Answers each request of a creator until nothing is left. */
async function crawl(
  first: NewRequest,
  records: Record<string, unknown> = {},
  pages = [feed(12), feed(12, { from: 12 })],
) {
  const items: Record<string, unknown>[] = [];
  const asked: string[] = [];
  const rest = [...pages];
  for (let requests = [first]; requests.length > 0;) {
    const request = requests.shift()!;
    asked.push(new URL(request.url).pathname.slice(1));
    const bodies: Record<string, () => unknown> = {
      PROFILE: () => profile(),
      POSTS: () => rest.shift() ?? feed(0, { cursor: null }),
      REELS: () => reels(4),
      RELATED: () => related,
    };
    const handled = await handle(request, bodies[request.label]!(), { records });
    requests = [...requests, ...handled.requests];
    items.push(...(handled.items.instagram_creators ?? []));
  }
  return { asked, items, creator: Object.assign({}, ...items) as Record<string, unknown> };
}

it("a link or a tag that cannot be read is told beside what can be read", async () => {
  const links = [null, { url: "https://nasa.gov" }];
  const first = startOne({ reels: 0 });
  const { items, requests } = await handle(first, profile({ bio_links: links }));
  expect(items.instagram_creators![0]).toMatchObject({ bio_links: [{ url: "https://nasa.gov" }] });
  expect(items.failed_requests).toMatchObject([
    { request_id: "request1#profile/bio_links", outcome: "malformed" },
  ]);
  const page = feed(1, { cursor: null });
  Object.assign(page.items[0]!, {
    usertags: { in: [{ user: null }, { user: { pk: "5", username: "bob" } }] },
  });
  const read = await handle(requests[0]!, page);
  expect(read.items.instagram_posts).toMatchObject([
    { tagged_users: [{ ig_user_id: "5", username: "bob" }] },
  ]);
  expect(read.items.failed_requests).toMatchObject([
    { request_id: "request1##0/usertags", last_error: expect.stringMatching(/^1 of 2 cannot/) as string },
  ]);
});

describe("a creator never seen", () => {
  it("costs its profile, two pages of posts and its reels", async () => {
    const { asked, creator } = await crawl(startOne());
    expect(asked).toEqual(["profile", "user-feeds", "user-feeds", "reels"]);
    expect(creator).toMatchObject({
      ig_user_id: "3",
      followers_count: 1000,
      availability: "ok",
      api_calls: 4,
      api_cost_usd: 4 * 0.00066,
      avg_post_likes: 8,
      // The reels are the posts' newest four: there they are, and in the sample they count once.
      metrics_sample_size: 24,
      metrics_reels_sample_size: 4,
      engagement_rate: 1,
      metrics_at: OBSERVED_AT,
    });
  });

  it("costs one call more with those beside it", async () => {
    const { asked, creator } = await crawl(startOne({ related: true }));
    expect(asked.at(-1)).toBe("related-profiles");
    expect(creator["api_calls"]).toBe(5);
  });

  it("has its costs on one item, so that they can be added up", async () => {
    const costs = async (input: object) => {
      const { items } = await crawl(startOne(input));
      return items.flatMap(({ api_calls }) => api_calls ?? []);
    };
    expect(await costs({})).toEqual([4]);
    expect(await costs({ related: true })).toEqual([5]);
    const { items } = await handle(startOne(), profile({ is_private: true }));
    expect(items.instagram_creators).toMatchObject([{ api_calls: 1 }]);
  });

  it("without a post is not asked for any", async () => {
    const body = profile({ edge_owner_to_timeline_media: { count: 0 } });
    const { requests, items } = await handle(startOne(), body);
    expect(requests).toEqual([]);
    expect(items.instagram_creators).toMatchObject([
      { media_count: 0 },
      { metrics_sample_size: 0, avg_post_likes: null },
    ]);
  });
});

describe("a known creator", () => {
  it("with nothing new costs three calls", async () => {
    const records = {};
    await crawl(startOne(), records);
    expect(records).toEqual({
      "known-creator-3": { username: "nasa", newest_taken_at: "2026-01-02T00:00:00.000Z" },
    });
    const again = await crawl(startOne(), records);
    expect(again.asked).toEqual(["profile", "user-feeds", "reels"]);
  });

  it("is read up to what is known, whatever the limit", async () => {
    const known = {
      creators: [{ ig_user_id: "3", newest_taken_at: "2025-12-20" }],
      usernames: [],
      posts: 100,
    };
    const { asked } = await crawl(startOne(known));
    // The second page reaches what was taken on 20 December.
    expect(asked).toEqual(["profile", "user-feeds", "user-feeds", "reels"]);
    const whole = await crawl(startOne({ ...known, until_known: false }));
    expect(whole.asked.filter((path) => path === "user-feeds").length).toBeGreaterThan(2);
  });

  it("is read to the older of what two say is known: one may not have seen all", async () => {
    const input = {
      usernames: [],
      creators: [{ ig_user_id: "3", newest_taken_at: "2026-01-02" }],
      posts: 100,
    };
    const pages = Array.from({ length: 4 }, (_, page) => feed(12, { from: page * 12 }));
    const calls = async (newest_taken_at: string | null) => {
      const records = { "known-creator-3": { username: "nasa", newest_taken_at } };
      const { asked } = await crawl(startOne(input), records, pages);
      return asked.filter((path) => path === "user-feeds").length;
    };
    expect(await calls(null)).toBe(1);
    expect(await calls("2025-12-10T00:00:00.000Z")).toBe(2);
    expect(await calls("2026-01-03T00:00:00.000Z")).toBe(1);
  });

  it.each([
    [{ username: "nasa" }, "newest_taken_at: is required"],
    [{ username: "nasa", newest_taken_at: "soon" }, "newest_taken_at: expected a date with its time"],
    ["nasa", "it: expected an object, got a text"],
  ])("is not taken for a new one when what is known cannot be read: %j", async (record, problem) => {
    const records = { "known-creator-3": record };
    await expect(crawl(startOne(), records)).rejects.toThrow(
      `record known-creator-3 cannot be read: ${problem}`,
    );
    expect(records).toEqual({ "known-creator-3": record });
  });

  it("by another name than before keeps the old one", async () => {
    const records = { "known-creator-3": { username: "old.name", newest_taken_at: null } };
    const { creator } = await crawl(startOne(), records);
    expect(creator["previous_usernames"]).toEqual(["old.name"]);
    const asked = await crawl(
      startOne({ usernames: [], creators: [{ ig_user_id: "3", username: "older" }] }),
    );
    expect(asked.creator["previous_usernames"]).toEqual(["older"]);
  });
});

describe("since", () => {
  it("keeps and counts nothing older, and reads no further", async () => {
    const request = (await handle(startOne({ since: "2025-12-28" }), profile())).requests[0]!;
    const { items, requests } = await handle(request, feed(12));
    expect(items.instagram_posts).toHaveLength(6);
    expect(requests.map(({ label }) => label)).toEqual(["REELS"]);
  });
});

describe("old posts before newer ones", () => {
  const old = (count: number) =>
    media(count, 500)
      .map((medium, i) => ({ ...medium, id: `${i}_3` }))
      .toReversed();
  const since = "2025-12-13";
  /** Twenty days are new, by pages of `size`. */
  const read = async (count: number, size = 12) => {
    const all = [...old(count), ...media(40)];
    const pages = Array.from({ length: Math.ceil(all.length / size) }, (_, i) => ({
      items: all.slice(i * size, (i + 1) * size),
      more_available: (i + 1) * size < all.length,
      next_max_id: `c${i}`,
    }));
    const kept: unknown[] = [];
    let request = (await handle(startOne({ since, posts: 100, reels: 0 }), profile())).requests[0];
    for (; request?.label === "POSTS"; pages.shift()) {
      const handled = await handle(request, pages[0]!);
      kept.push(...(handled.items.instagram_posts ?? []));
      request = handled.requests[0];
    }
    return { kept: kept.length, left: pages.length };
  };

  it.each([0, 1, 3, 4, 5, 6, 11, 12])("%i of them end nothing, and hide nothing", async (count) => {
    expect((await read(count)).kept).toBe(21);
  });

  it("do not count against the limit", async () => {
    const first = (await handle(startOne({ since, posts: 10, reels: 0 }), profile())).requests[0]!;
    const page = { items: [...old(4), ...media(8)], more_available: true, next_max_id: "a" };
    const { items, requests } = await handle(first, page);
    expect(items.instagram_posts).toHaveLength(8);
    const rest = await handle(requests[0]!, feed(12, { from: 8 }));
    expect(rest.items.instagram_posts).toHaveLength(2);
    expect(rest.requests).toEqual([]);
  });
});

describe("what the site states instead of media", () => {
  it.each([
    [{ is_private: true }, { availability: "private", followers_count: 1000 }],
    [{ gating: { description: "18+" } }, { availability: "gated", availability_reason: "18+" }],
  ])("of %j is kept, and no list is asked for", async (fields, creator) => {
    const { items, requests } = await handle(startOne({ related: true }), profile(fields));
    expect(items.instagram_creators).toMatchObject([creator]);
    expect(requests).toEqual([]);
  });

  it("is kept under the id where it is known, and nowhere by a name alone", async () => {
    const gone = { availability: "not_found" as const, reason: "User not found" };
    const byId = await handleGone(startOne({ usernames: [], ids: ["7"] }), gone);
    expect(byId.items.instagram_creators).toEqual([
      {
        ig_user_id: "7",
        availability: "not_found",
        availability_reason: "User not found",
        source: "api/profile",
        api_calls: 1,
        api_cost_usd: 0.00066,
      },
    ]);
    expect((await handleGone(startOne(), gone)).items).toEqual({});
  });

  it("about another creator than was asked for is refused", async () => {
    const request = startOne({ usernames: [], ids: ["7"] });
    await expect(handle(request, profile())).rejects.toThrow("id: expected 7, got 3");
  });
});

const PRIVATE = { availability: "private" as const, reason: "private" };

describe("a list that fails", () => {
  const posts = async (input: object = {}, env: Record<string, string> = {}) =>
    (await handle(startOne(input, env), profile())).requests[0]!;

  it("is passed by, and leaves the figures of earlier runs", async () => {
    const failed = await handleFailed(await posts());
    expect(failed.requests.map(({ label }) => label)).toEqual(["REELS"]);
    const records = {};
    const { items } = await handle(failed.requests[0]!, reels(4), { records });
    const [metrics] = items.instagram_creators!;
    expect(metrics).toHaveProperty("avg_reel_plays", 100);
    expect(metrics).not.toHaveProperty("avg_post_likes");
    expect(metrics).not.toHaveProperty("engagement_rate");
    // The next run must read what this one did not.
    expect(records).toEqual({});
  });

  it("is not an empty one: an empty grid of somebody who posts is asked for again, and then not believed", async () => {
    const again = await handle(await posts({ reels: 0 }), feed(0, { cursor: null }));
    expect(again.requests).toMatchObject([{ label: "POSTS", uniqueKey: "posts api 3 0 again" }]);
    const ended = await handle(again.requests[0]!, feed(0, { cursor: null }));
    expect(ended.items.instagram_creators).toEqual([
      { ig_user_id: "3", api_calls: 3, api_cost_usd: 3 * 0.00066 },
    ]);
  });

  it("may be one whose promised page comes empty twice: what came of it counts, and the rest is not known", async () => {
    const env = { INSTAGRAM_SOURCES: "api,web" };
    const records = {};
    const cut = async (sources: Record<string, string>) => {
      const second = await handle(await posts({ reels: 0 }, sources), feed(12));
      const again = await handle(second.requests[0]!, feed(0, { cursor: null }));
      expect(again.requests).toMatchObject([{ uniqueKey: "posts api 3 1 again" }]);
      return handle(again.requests[0]!, feed(0, { cursor: null }), { records });
    };
    const { items } = await cut({});
    expect(items.failed_requests).toMatchObject([
      { last_error: "page 2 came empty twice: what is behind the first 12 entries is not known" },
    ]);
    expect(items.instagram_creators).toMatchObject([
      { avg_post_likes: 8, metrics_sample_size: 12, metrics_uncertain_lists: ["posts"], api_calls: 4 },
    ]);
    expect(records).toEqual({});
    expect((await cut(env)).requests).toMatchObject([{ uniqueKey: "posts web 3 0" }]);
  });

  it.each([
    ["fails", (request: NewRequest) => handleFailed(request)],
    ["is refused", (request: NewRequest) => handleGone(request, { availability: null, reason: "forbidden" })],
    ["is of a private account", (request: NewRequest) => handleGone(request, PRIVATE)],
  ])("keeps what came of it when a later page %s", async (_, fail) => {
    const second = await handle(await posts(), feed(12));
    const failed = await fail(second.requests[0]!);
    expect(failed.requests).toMatchObject([{ label: "REELS" }]);
    const records = {};
    const { items } = await handle(failed.requests[0]!, reels(4), { records });
    expect(items.instagram_creators).toMatchObject([
      {
        avg_post_likes: 8,
        avg_reel_plays: 100,
        engagement_rate: 1,
        metrics_sample_size: 12,
        metrics_uncertain_lists: ["posts"],
      },
    ]);
    expect(records).toEqual({});
  });

  it("is certain again when the next source reads it", async () => {
    const second = await handle(await posts({ reels: 0 }, { INSTAGRAM_SOURCES: "api,web" }), feed(12));
    const failed = await handleFailed(second.requests[0]!);
    const { items } = await handle(failed.requests[0]!, feed(12, { cursor: null }));
    expect(items.instagram_creators).toMatchObject([{ metrics_uncertain_lists: null, avg_post_likes: 8 }]);
  });

  it("keeps what an earlier source showed of it when the next one shows nothing", async () => {
    const second = await handle(await posts({ reels: 0 }, { INSTAGRAM_SOURCES: "api,web" }), feed(12));
    const failed = await handleFailed((await handleFailed(second.requests[0]!)).requests[0]!);
    expect(failed.items.instagram_creators).toMatchObject([
      { metrics_uncertain_lists: ["posts"], avg_post_likes: 8 },
    ]);
  });

  it("is asked for at the next source, from its beginning", async () => {
    const env = { INSTAGRAM_SOURCES: "api,web" };
    const second = await handle(await posts({}, env), feed(12));
    const failed = await handleFailed(second.requests[0]!);
    expect(failed.requests).toMatchObject([{ label: "POSTS", uniqueKey: "posts web 3 0" }]);
    expect(failed.requests[0]!.url).toContain("https://www.instagram.com/graphql/query/");
  });
});

describe("a profile that fails", () => {
  const env = { INSTAGRAM_SOURCES: "api,web" };

  it("is asked for at the next source, and given up at the last", async () => {
    const failed = await handleFailed(startOne({}, env));
    expect(failed.requests).toMatchObject([{ uniqueKey: "profile web nasa" }]);
    expect(failed.requests[0]!.userData).toMatchObject({ costs: { api_calls: 1, api_cost_usd: 0.00066 } });
    expect((await handleFailed(failed.requests[0]!)).requests).toEqual([]);
  });

  it("for want of a key that is still good has cost nothing", async () => {
    const { requests } = await handleFailed(startOne({}, env), { wasSent: false });
    expect(requests[0]!.userData).toMatchObject({ costs: { api_calls: 0, api_cost_usd: 0 } });
  });

  it("for want of a login is asked for elsewhere, a fact is not", async () => {
    const login = { availability: null, reason: "require_login" };
    expect((await handleGone(startOne({}, env), login)).requests).toHaveLength(1);
    const missing = { availability: "not_found" as const, reason: "User not found" };
    expect((await handleGone(startOne({}, env), missing)).requests).toEqual([]);
  });
});

describe("the first requests", () => {
  it("try the queries of the web before anything else, where it is the source", () => {
    const labels = start({ source: "web" }).map(({ label }) => label);
    expect(labels).toEqual(["PROBE", "PROBE", "PROBE", "PROFILE"]);
  });

  it("are about creators by name or id", () => {
    const requests = start({ usernames: ["nasa"], ids: ["7"] });
    expect(requests.map(subjectOf)).toEqual(["7", "@nasa"]);
  });

  it("of a browser are about those whose name is known", () => {
    const requests = start({ source: "browser", ids: ["7"] });
    expect(requests.map(({ url }) => url)).toEqual(["https://www.instagram.com/nasa/#profile"]);
  });
});

it("keeps fifty creators at once apart", async () => {
  const followers = (i: number) => 1000 + i * 7;
  const creators = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const id = String(100 + i);
      const first = startOne({ usernames: [`u${i}`] });
      const body = profile({ id, username: `u${i}`, edge_followed_by: { count: followers(i) } });
      let { requests } = await handle(first, body);
      const found: Record<string, unknown> = {};
      while (requests.length > 0) {
        const [request] = requests;
        const answer = request!.label === "REELS" ? reels(3) : feed(12, { from: i, cursor: null });
        const handled = await handle(request!, answer);
        Object.assign(found, ...(handled.items.instagram_creators ?? []));
        requests = handled.requests;
      }
      return found;
    }),
  );
  for (const [i, creator] of creators.entries()) {
    expect(creator).toMatchObject({ ig_user_id: String(100 + i), api_calls: 3 });
    expect(creator["posts_engagement_rate"] ?? creator["engagement_rate"]).toBeCloseTo(
      1000 / followers(i),
      10,
    );
    expect(creator["reach_rate"]).toBeCloseTo((100 / followers(i)) * 100, 10);
  }
});
