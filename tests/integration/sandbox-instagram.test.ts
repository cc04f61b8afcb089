import { describe, expect, it } from "vitest";
import type { LogEntry } from "../../sandbox/access-log.ts";
import { startSandbox } from "../../sandbox/sandbox.ts";
import { type Json, control } from "./sandbox-client.ts";
import {
  type FeedPage,
  type Overview,
  feedPages,
  instagramSite,
  reelsPages,
} from "./sandbox-instagram-client.ts";

const DAY = 86_400;
const bodyOf = ({ body }: { body: string }): Json => JSON.parse(body) as Json;

describe("profiles", () => {
  it("are by name and by id what the truth says", async () => {
    const { apiJson, truth } = await instagramSite();
    const { names, ids, availability } = await truth<Overview>("instagram");
    expect(names).toHaveLength(20);
    for (const [i, name] of names.entries()) {
      if (availability[name] !== "ok" && availability[name] !== "private") continue;
      const item = await truth<Json>(`instagram_creators/${name}`);
      const body = await apiJson(`/profile?username=${name}`);
      expect(body).toMatchObject({
        status: true,
        id: ids[i],
        username: item["username"],
        full_name: item["full_name"],
        biography: item["biography"],
        is_private: item["is_private"],
        category_name: item["category_name"],
        external_url: item["external_url"],
        edge_followed_by: { count: item["followers_count"] },
        edge_follow: { count: item["following_count"] },
        edge_owner_to_timeline_media: { count: item["media_count"] },
      });
      expect(await apiJson(`/profile?id=${ids[i]}`)).toEqual(body);
    }
  });

  it("say why there is none", async () => {
    const { api, truth } = await instagramSite();
    const { names, ids } = await truth<Overview>("instagram");
    for (const query of [`username=${names[13]}`, `id=${ids[13]}`, "username=nosuchname", "id=1"]) {
      const reply = await api(`/profile?${query}`);
      expect([reply.status, bodyOf(reply)]).toEqual([404, { status: false, message: "User not found" }]);
    }
    const restricted = bodyOf(await api(`/profile?username=${names[7]}`));
    expect(restricted).toMatchObject({ title: "Restricted profile", username: names[7], status: true });
    expect(restricted["id"]).toBeUndefined();
    const gated = bodyOf(await api(`/profile?username=${names[9]}`));
    expect(gated).toMatchObject({ edge_followed_by: { count: 0 }, gating: { gating_type: "appealable" } });
    expect(await truth(`instagram_creators/${names[9]}`)).toMatchObject({ followers_count: null });
    const closed = bodyOf(await api(`/profile?username=${names[3]}`));
    expect(closed).toMatchObject({ is_private: true, edge_owner_to_timeline_media: { edges: [] } });
    expect((await api("/profile")).status).toBe(400);
    expect(bodyOf(await api(`/user-feeds?id=${ids[3]}`))).toMatchObject({ items: [], more_available: false });
  });

  it("come with eighty related ones, or none", async () => {
    const { apiJson, truth } = await instagramSite();
    const { names, ids } = await truth<Overview>("instagram");
    for (const [i, count] of [
      [0, 80],
      [6, 0],
    ] as const) {
      const { data } = await apiJson<{
        data: { user: { edge_related_profiles: { edges: { node: Json }[] } } };
      }>(`/related-profiles?id=${ids[i]}`);
      const edges = await truth<Json[]>(`instagram_related/${names[i]}`);
      const nodes = data.user.edge_related_profiles.edges.map(({ node }) => [node["id"], node["username"]]);
      expect(nodes).toEqual(edges.map((edge) => [edge["target_ig_user_id"], edge["target_username"]]));
      expect(nodes).toHaveLength(count);
    }
  });
});

describe("lists", () => {
  it("carry the feed of the truth over all its pages, without plays", async () => {
    const instagram = await instagramSite();
    const { names, ids } = await instagram.truth<Overview>("instagram");
    const pages = await feedPages(instagram, ids[0]!);
    expect(pages.length).toBe(20);
    const media = pages.flatMap(({ items }) => items);
    const items = await instagram.truth<Json[]>(`instagram_posts/${names[0]}`);
    expect([...new Set(media.map((one) => String(one["id"]).split("_")[0]))]).toEqual(
      items.map((item) => item["media_id"]),
    );
    expect(media.length).toBe(items.length + 1);
    expect(media.some((one) => "play_count" in one)).toBe(false);
    expect(media[0]).toMatchObject({ timeline_pinned_user_ids: [3_171_067] });
    expect(Number(media[0]!["taken_at"])).toBeLessThan(Number(media[1]!["taken_at"]));
    expect(items[0]).toMatchObject({ is_pinned: true, media_id: String(media[0]!["id"]).split("_")[0] });
  });

  it("carry reels with both numbers of plays, in pages of the provider's size", async () => {
    const instagram = await instagramSite();
    const { names, ids } = await instagram.truth<Overview>("instagram");
    const pages = await reelsPages(instagram, ids[2]!);
    expect(pages[0]!.items).toHaveLength(9);
    const media = pages.flatMap(({ items }) => items.map((item) => item.media));
    const items = await instagram.truth<Json[]>(`instagram_reels/${names[2]}`);
    expect(media.map((one) => one["code"])).toEqual(items.map((item) => item["shortcode"]));
    for (const [i, item] of items.entries()) {
      expect(media[i]!["play_count"] ?? null).toBe(item["play_count"]);
      expect(media[i]!["ig_play_count"] ?? null).toBe(item["ig_play_count"]);
    }
  });

  it("have ids as numbers beyond 2^53, whole for some creators and rounded for others", async () => {
    const { api, truth } = await instagramSite();
    const { ids } = await truth<Overview>("instagram");
    const sent = async (id: string): Promise<[pk: string, exact: string]> => {
      const { body } = await api(`/user-feeds?id=${id}`);
      return [/"pk":(\d+)/.exec(body)![1]!, /"id":"(\d+)_/.exec(body)![1]!];
    };
    const [whole, rounded] = [await sent(ids[0]!), await sent(ids[1]!)];
    expect(whole[0]).toBe(whole[1]);
    expect(rounded[0]).not.toBe(rounded[1]);
    expect(rounded[0]).toBe(String(Number(rounded[1])));
  });

  it("end with a page that promises another, for some", async () => {
    const instagram = await instagramSite();
    const { ids } = await instagram.truth<Overview>("instagram");
    const pages = await feedPages(instagram, ids[4]!, 30);
    expect(pages).toHaveLength(30);
    expect(pages.at(-1)).toMatchObject({
      items: [],
      more_available: true,
      next_max_id: pages.at(-2)!.next_max_id,
    });
    const edges = await instagram.apiJson<{ data: { user: { edge_owner_to_timeline_media: Json } } }>(
      `/user-feeds2?id=${ids[1]}`,
    );
    expect(edges.data.user.edge_owner_to_timeline_media).toMatchObject({
      page_info: { has_next_page: true },
      edges: expect.objectContaining({ length: 12 }) as unknown,
    });
  });

  it("hide which are pinned, and that likes are hidden, where the site does not say so", async () => {
    const instagram = await instagramSite();
    const { names, ids } = await instagram.truth<Overview>("instagram");
    const [page] = await feedPages(instagram, ids[6]!, 1);
    expect(page!.items.some((one) => "timeline_pinned_user_ids" in one)).toBe(false);
    expect(Number(page!.items[0]!["taken_at"])).toBeLessThan(Number(page!.items[1]!["taken_at"]));
    const [first] = await instagram.truth<Json[]>(`instagram_posts/${names[6]}?limit=1`);
    expect(first).toMatchObject({ is_pinned: true });

    const media = (await feedPages(instagram, ids[0]!)).flatMap(({ items }) => items);
    const sent = new Map(media.map((one) => [one["code"], one]));
    const ways = new Set<string>();
    for (const item of await instagram.truth<Json[]>(`instagram_posts/${names[0]}`)) {
      const { like_count: likes, like_and_view_counts_disabled: flag } = sent.get(item["shortcode"])!;
      if (item["likes_hidden"])
        ways.add(`${String(item["likes_hidden_reason"])}: ${String(likes)}, ${String(flag)}`);
    }
    expect([...ways].toSorted()).toEqual([
      "disabled: -1, true",
      "disabled: 3, true",
      "negative: -1, undefined",
      "placeholder: 3, undefined",
    ]);
  });

  it("find a medium by its address and by its id", async () => {
    const { apiJson, truth } = await instagramSite();
    const { names } = await truth<Overview>("instagram");
    const [item] = await truth<Json[]>(`instagram_posts/${names[0]}?limit=1`);
    const url = encodeURIComponent(`https://www.instagram.com/p/${item!["shortcode"]}/`);
    expect(await apiJson(`/id-media?url=${url}`)).toEqual({
      status: true,
      shortcode: item!["shortcode"],
      media_id: item!["media_id"],
    });
    expect(await apiJson(`/post?id=${item!["media_id"]}`)).toMatchObject({
      id: item!["media_id"],
      status: true,
    });
  });
});

describe("the gateway", () => {
  it("knows its keys", async () => {
    const { api } = await instagramSite();
    const path = "/profile?username=quiet.otter.0";
    const asked = [
      [{ "x-rapidapi-key": "" }, 401, "Invalid API key."],
      [{ "x-rapidapi-key": "other" }, 403, "You are not subscribed to this API."],
      [{ "x-rapidapi-host": "other" }, 404, "API doesn't exists"],
    ] as const;
    for (const [headers, status, message] of asked) {
      const reply = await api(path, { headers });
      expect(reply.status).toBe(status);
      expect(String(bodyOf(reply)["message"])).toContain(message);
      expect(reply.headers["x-rapidapi-proxy-response"]).toBe("true");
    }
  });

  it("counts seconds, hours and months, each with headers of its own and words of its own", async () => {
    const { api, sandbox } = await instagramSite({ apiPlan: { perSecond: 3, perHour: 8, perMonth: 12 } });
    const call = () => api("/id?username=quiet.otter.0");
    const calls = async (count: number) => {
      const replies = [];
      for (let i = 0; i < count; i++) replies.push(await call());
      return replies;
    };
    const pass = (secs: number) => control(sandbox, "/time", { advance_secs: secs });

    const second = await calls(5);
    expect(second.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(3);
    expect(second[0]!.headers).toMatchObject({
      "x-ratelimit-limit": "3",
      "x-ratelimit-remaining": "2",
      "x-ratelimit-requests-limit": "12",
      "x-ratelimit-requests-remaining": "11",
    });
    const refused = second.find(({ status }) => status === 429)!;
    expect(bodyOf(refused)["message"]).toMatch(/rate limit per second for your plan, PRO/);
    expect(refused.headers["x-ratelimit-remaining"]).toBe("0");
    // What the second refuses is not taken from the month.
    await pass(1);
    expect(Number((await call()).headers["x-ratelimit-requests-remaining"])).toBeGreaterThanOrEqual(7);

    let hour;
    do {
      await pass(1);
      hour = await call();
    } while (hour.status === 200);
    expect(bodyOf(hour)["message"]).toMatch(/rate limit per hour/);
    expect(Number(hour.headers["x-ratelimit-reset"])).toBeGreaterThan(3000);

    await pass(3600);
    let month;
    do {
      await pass(1);
      month = await call();
    } while (month.status === 200);
    expect(bodyOf(month)["message"]).toMatch(
      /exceeded the MONTHLY quota for Requests on your current plan, PRO/,
    );
    expect(Number(month.headers["x-ratelimit-requests-reset"])).toBeGreaterThan(29 * DAY);
    const other = await api("/id?username=quiet.otter.0", {
      headers: { "x-rapidapi-key": "sandbox-rapidapi-key-2" },
    });
    expect(other.status).toBe(200);
    await pass(30 * DAY);
    expect((await call()).status).toBe(200);
  });

  it("forgets how often it refused as soon as the window is over", async () => {
    const { api, sandbox } = await instagramSite({ apiPlan: { perHour: 1 } });
    const statuses: number[] = [];
    for (let i = 0; i < 30; i++) statuses.push((await api("/id?username=quiet.otter.0")).status);
    expect(new Set(statuses.slice(1))).toEqual(new Set([429]));
    await control(sandbox, "/time", { advance_secs: 3600 });
    expect((await api("/id?username=quiet.otter.0")).status).toBe(200);
  });

  it("logs whom a call is about and what it cost; refusals are free", async () => {
    const { api, sandbox } = await instagramSite({ apiPlan: { pricePerCall: 0.002 } });
    await api("/profile?username=quiet.otter.0");
    await api("/reels?id=3171067");
    await api("/profile?username=nobody");
    await api("/profile?username=quiet.otter.0", { headers: { "x-rapidapi-key": "other" } });
    const log = await control<LogEntry[]>(sandbox, "/log");
    expect(
      log.map(({ endpoint, creator, client, status, price_usd }) => [
        endpoint,
        creator,
        client,
        status,
        price_usd,
      ]),
    ).toEqual([
      ["/profile", "quiet.otter.0", "sandbox-rapidapi-key-1", 200, 0.002],
      ["/reels", "quiet.otter.0", "sandbox-rapidapi-key-1", 200, 0.002],
      ["/profile", "nobody", "sandbox-rapidapi-key-1", 404, 0.002],
      [null, "quiet.otter.0", "other", 403, 0],
    ]);
    const { cost_usd, windows } = await control<{ cost_usd: number; windows: Json[] }>(sandbox, "/stats");
    expect(cost_usd).toBeCloseTo(0.006);
    expect(windows).toContainEqual(
      expect.objectContaining({ owner: "sandbox-rapidapi-key-1 month", requests: 3 }),
    );
  });
});

describe("faults of the data API", () => {
  it.each([
    ["status_false", 200, { status: false }],
    ["per_second", 429, { message: expect.stringContaining("per second") as unknown }],
    ["monthly_quota", 429, { message: expect.stringContaining("MONTHLY") as unknown }],
    ["not_subscribed", 403, { message: "You are not subscribed to this API." }],
    ["wrapped", 200, { status: 200, body: { status: true, username: "quiet.otter.0" } }],
  ] as const)("%s answers %i", async (kind, status, body) => {
    const { api } = await instagramSite({}, { faults: [{ kind, match: "^/looter2/id", times: 1 }] });
    const reply = await api("/id?username=quiet.otter.0");
    expect(reply.status).toBe(status);
    expect(bodyOf(reply)).toMatchObject(body);
    expect((await api("/id?username=quiet.otter.0")).status).toBe(200);
  });

  it("pages come empty, again, or with a cursor that leads nowhere", async () => {
    const { apiJson, truth, sandbox } = await instagramSite();
    const { ids } = await truth<Overview>("instagram");
    const path = `/user-feeds?id=${ids[1]}`;
    const first = await apiJson<FeedPage>(path);
    const second = await apiJson<FeedPage>(`${path}&max_id=${first.next_max_id}`);
    const page = async (kind: string, more: Json = {}): Promise<FeedPage> => {
      await control(sandbox, "/faults", { faults: [{ kind, ...more }] });
      return apiJson<FeedPage>(`${path}&max_id=${first.next_max_id}`);
    };
    expect(await page("empty_page")).toMatchObject({ items: [], next_max_id: second.next_max_id });
    expect(await page("more_without_items")).toMatchObject({ items: [], more_available: true });
    expect(await page("repeating_after")).toMatchObject({
      next_max_id: first.next_max_id,
      more_available: true,
    });
    const overlapping = await page("rerank", { overlap: 4 });
    expect(overlapping.items.slice(0, 4).map((one) => one["id"])).toEqual(
      first.items.slice(-4).map((one) => one["id"]),
    );
    expect(overlapping.items.slice(4)).toEqual(second.items);
  });

  it("answers 5xx in three forms, HTML for JSON, half of it, and nothing", async () => {
    const { api, sandbox } = await instagramSite();
    const shape = async (fault: Json) => {
      await control(sandbox, "/faults", { faults: [fault] });
      const { status, headers, body } = await api("/profile?username=quiet.otter.0");
      return [status, String(headers["content-type"]).split(";")[0], body.slice(0, 1), body.endsWith("}")];
    };
    expect(await shape({ kind: "status", status: 502 })).toEqual([502, "text/html", "<", false]);
    expect(await shape({ kind: "status", status: 500, body: "json" })).toEqual([
      500,
      "application/json",
      "{",
      true,
    ]);
    expect(await shape({ kind: "html_instead_of_json" })).toEqual([200, "text/html", "<", false]);
    expect(await shape({ kind: "truncated_json" })).toEqual([200, "application/json", "{", false]);
    expect(await shape({ kind: "empty_body" })).toEqual([200, "application/json", "", false]);
  });
});

it("grows with virtual time: followers, new media on top, a new name", async () => {
  const instagram = await instagramSite({}, { growth: 1 });
  const { sandbox, api, truth, apiJson } = instagram;
  const { names, ids } = await truth<Overview>("instagram");
  const before = await truth<Json>(`instagram_creators/${names[0]}`);
  const old = (await feedPages(instagram, ids[1]!, 1))[0]!;
  await control(sandbox, "/time", { advance_secs: 5 * DAY });
  const after = await truth<Json>(`instagram_creators/${names[0]}`);
  expect(Number(after["followers_count"])).toBeGreaterThan(Number(before["followers_count"]));
  expect(await apiJson(`/profile?id=${ids[0]}`)).toMatchObject({
    edge_followed_by: { count: after["followers_count"] },
  });
  const [page] = await feedPages(instagram, ids[1]!, 1);
  const position = page!.items.findIndex((one) => one["id"] === old.items[0]!["id"]);
  expect(position).toBeGreaterThan(0);
  // An old cursor still leads to what came after it.
  const rest = await apiJson<FeedPage>(`/user-feeds?id=${ids[1]}&max_id=${old.next_max_id}`);
  expect(rest.items[0]!["id"]).not.toBe(old.items.at(-1)!["id"]);
  expect(Number(rest.items[0]!["taken_at"])).toBeLessThan(Number(old.items.at(-1)!["taken_at"]));

  const now = await truth<Overview>("instagram");
  expect(now.renamed).toEqual({ "the.real.11": [names[11]] });
  expect((await api(`/profile?username=${names[11]}`)).status).toBe(404);
  expect(await apiJson(`/profile?id=${ids[11]}`)).toMatchObject({ username: "the.real.11" });
});

it.each([
  [{ creators: 5001 }, /instagram.creators 1 to 5000, got 5001/],
  [{ apiKeys: [] }, /number of instagram.apiKeys 1 to 10000, got 0/],
  [{ apiPlan: { perSecond: 0 } }, /instagram.apiPlan.perSecond 1 to 1000, got 0/],
])("refuses %j", async (instagram, message) => {
  await expect(startSandbox({ proxies: [], instagram })).rejects.toThrow(message);
});

it("holds five thousand creators", async () => {
  const { truth, apiJson } = await instagramSite({ creators: 5000 });
  const { names, ids } = await truth<Overview>("instagram");
  expect(new Set(ids).size).toBe(5000);
  expect(await apiJson(`/profile?username=${names[4998]}`)).toMatchObject({ id: ids[4998] });
  const items = await truth<Json[]>("instagram_creators");
  expect(items.map((item) => item["ig_user_id"] ?? item["username"])).toHaveLength(5000);
});
