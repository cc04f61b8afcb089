import { describe, expect, it } from "vitest";
import type { LogEntry } from "../../sandbox/access-log.ts";
import { type Json, type Listing, apiOf, chain, control, site } from "./sandbox-client.ts";

describe("communities", () => {
  it("answer about themselves what the truth says", async () => {
    const { json, truth } = await site();
    const { kind, data } = await json("/r/WOODWORKING/about/?raw_json=1");
    expect(kind).toBe("t5");
    const item = await truth<Json>("/subreddits/woodworking");
    const { name: _, created_utc: __, ...columns } = item;
    const shared = Object.entries(columns).filter(([column]) => column in data);
    expect(data).toMatchObject(Object.fromEntries(shared));
    expect(shared.length).toBeGreaterThan(30);
    expect(item).toMatchObject({ name: data["display_name"], reddit_id: data["id"], availability: "ok" });
    expect(Date.parse(item["created_utc"] as string) / 1000).toBe(data["created_utc"]);
    expect(Object.keys(data).length).toBeGreaterThan(95);
  });

  it("come a hundred at a time, without those that are closed or unknown", async () => {
    const { json, truth } = await site({ subreddits: 120 });
    const { names, availability } = await truth<{ names: string[]; availability: Json }>("?count=120");
    const { data } = await json<Listing>(`/api/info?sr_name=nosuchplace,${names.join(",")}`);
    const open = names.slice(0, 99).filter((name) => availability[name] === "ok");
    expect(data.children.map((child) => child.data["display_name"])).toEqual(open);
  });

  it.each([
    ["WoodworkingPics", "private", 403],
    ["AskSourdough", "banned", 404],
    ["SourdoughPics", "quarantined", 403],
    ["AskCycling", "gated", 403],
    ["TrueCycling", "gold_only", 403],
  ])("%s says that it is %s", async (name, reason, status) => {
    const { api, truth } = await site();
    for (const path of ["/about", "/hot", "/about/rules", ""]) {
      const reply = await api(`/r/${name}${path}`);
      expect(reply.status).toBe(status);
      expect(JSON.parse(reply.body)).toMatchObject({ reason, error: status });
    }
    expect(await truth(`/subreddits/${name}`)).toMatchObject({ name, availability_reason: reason });
  });

  it("that never were lead to search, or are not found", async () => {
    const { sandbox, api } = await site();
    const { status, headers } = await api("/r/nosuchplace/hot?raw_json=1");
    expect([status, headers.location]).toEqual([
      302,
      `${sandbox.env["REDDIT_API_URL"]}/subreddits/search?q=nosuchplace`,
    ]);
    const statuses = await Promise.all(
      [..."abcdefgh"].map(async (x) => (await api(`/r/nosuchplace${x}/about`)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([302, 404]));
  });

  it("have rules as the truth keeps them", async () => {
    const { json, truth } = await site();
    const { names } = await truth<{ names: string[] }>("?count=5");
    const counts = await Promise.all(
      names.map(async (name) => {
        const { rules } = await json<{ rules: Json[] }>(`/r/${name}/about/rules?raw_json=1`);
        const kept = await truth<Json[]>(`/rules/${name}`);
        expect(rules).toMatchObject(kept);
        return kept.length;
      }),
    );
    expect(Math.max(...counts)).toBeGreaterThan(1);
  });

  it("are profiles too", async () => {
    const { json } = await site();
    const { data } = await json("/r/u_bababa/about");
    expect(data).toMatchObject({
      display_name: "u_bababa",
      display_name_prefixed: "u/bababa",
      subreddit_type: "user",
    });
  });
});

describe("listings", () => {
  it("are whole and in the order of the truth", async () => {
    const { json, truth } = await site();
    for (const path of [
      "woodworking/new",
      "askwoodworking/hot",
      "woodworking/top?t=week",
      "woodworkingtips/controversial?t=all",
    ]) {
      const things = await chain(json, `/r/${path}`);
      expect(things.map((thing) => thing.data["id"])).toEqual(await truth(`/listings/${path}`));
    }
  });

  it("carry posts that are what the truth says", async () => {
    const { json, truth } = await site();
    const things = (await chain(json, "/r/woodworkingtips/new")).concat(
      await chain(json, "/r/askwoodworking/new"),
    );
    const ids = things.map((thing) => thing.data["id"]);
    const items = await truth<Json[]>(`/posts?ids=${ids.join(",")}`);
    expect(items).toHaveLength(things.length);
    for (const [i, item] of items.entries()) {
      const data = things[i]!.data;
      for (const column of [
        "title",
        "selftext",
        "url",
        "domain",
        "permalink",
        "score",
        "num_comments",
        "upvote_ratio",
        "over_18",
        "stickied",
        "is_self",
        "is_video",
        "thumbnail",
        "link_flair_text",
        "removed_by_category",
      ]) {
        expect(item[column]).toEqual(data[column]);
      }
      expect(item["author_username"]).toBe(data["author"] === "[deleted]" ? null : data["author"]);
      expect(item["author_fullname"]).toBe(data["author_fullname"] ?? null);
      expect(Date.parse(item["created_utc"] as string)).toBe((data["created_utc"] as number) * 1000);
      expect(item["crosspost_parent"]).toBe(data["crosspost_parent"] ?? null);
      const [preview] = (data["preview"] as { images: { source: Json }[] } | undefined)?.images ?? [];
      const image = item["content_type"] === "image" ? (item["media"] as Json[])[0]! : {};
      expect(image["width"] ?? null).toBe(
        (item["content_type"] === "image" && preview?.source["width"]) || null,
      );
      expect(Object.keys(data).length).toBeGreaterThan(95);
    }
  });

  it("escape three signs in every string unless raw JSON is asked for", async () => {
    const { json } = await site();
    const text = async (query: string): Promise<string> => {
      const { data } = await json<Listing>(`/r/woodworking/new?limit=100${query}`);
      return data.children.map((child) => child.data["selftext"]).join("\n");
    };
    const [plain, raw] = [await text(""), await text("&raw_json=1")];
    expect(raw).toContain("Tom & Jerry");
    expect(plain).toContain("Tom &amp; Jerry");
    expect(plain.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&")).toBe(raw);
  });

  it("show a post that was deleted only to those who ask for it", async () => {
    const { json, truth } = await site();
    const things = await chain(json, "/r/woodworking/new");
    const numbers = things.map((thing) => parseInt(thing.data["id"] as string, 36)).toSorted((a, b) => a - b);
    const gaps = numbers
      .slice(1)
      .flatMap((number, i) => (numbers[i]! + 2 ** 19 === number ? [] : [number - 2 ** 19]));
    const id = gaps[0]!.toString(36);
    const { data } = await json<Listing>(`/api/info?id=t3_${id}`);
    expect(data.children[0]!.data).toMatchObject({ author: "[deleted]", removed_by_category: "deleted" });
    expect(await truth(`/posts/${id}`)).toMatchObject({
      author_username: null,
      removed_by_category: "deleted",
    });
  });

  it("grow with virtual time, and the truth with them", async () => {
    const { sandbox, json, truth } = await site({ growth: 1 });
    const before = await chain(json, "/r/woodworking/new");
    await control(sandbox, "/time", { advance_secs: 80_000 });
    const after = await chain(json, "/r/woodworking/new");
    expect(after.findIndex((thing) => thing.data["id"] === before[0]!.data["id"])).toBeGreaterThan(20);
    expect(after.map((thing) => thing.data["id"])).toEqual(await truth("/listings/woodworking/new"));
    const then = await truth<string[]>(`/listings/woodworking/new?at=${Date.UTC(2026, 9, 1) / 1000 + 5}`);
    expect(then).toEqual(before.map((thing) => thing.data["id"]));
  });
});

it.each([
  ["woodworking", 0],
  ["woodworkingtips", 2],
  ["sourdoughmemes", 1],
])("computes metrics of %s by the formulas, without its %i pinned posts", async (name, pinned) => {
  const { json, truth } = await site();
  const { data } = await json<Listing>(`/r/${name}/top?t=week&limit=100&raw_json=1`);
  const posts = data.children.map((child) => child.data).filter((post) => !post["stickied"]);
  expect(data.dist - posts.length).toBe(pinned);
  const sum = (key: string): number => posts.reduce((total, post) => total + (post[key] as number), 0);
  const metrics = await truth<Record<string, number>>(`/metrics/${name}`);
  expect(metrics["metrics_sample_size"]).toBe(posts.length);
  expect(metrics["avg_upvotes_per_post"]).toBeCloseTo(sum("score") / posts.length);
  expect(metrics["engagement"]).toBeCloseTo(sum("num_comments") / sum("score"));
  expect(metrics["subreddit_score"]).toBeCloseTo(Math.sqrt((1000 * sum("num_comments")) / posts.length));
});

it("packs what is neither tiny nor large for those who take it", async () => {
  const { sandbox } = await site();
  const get = await apiOf(sandbox);
  const encoding = async (path: string): Promise<string | undefined> =>
    (await get(path, { headers: { "accept-encoding": "gzip, deflate, br" } })).headers["content-encoding"];
  expect(await encoding("/r/woodworking/about")).toBe("gzip");
  expect(await encoding("/r/woodworking/hot?limit=100")).toBeUndefined();
  expect((await get("/r/woodworking/about")).headers["content-encoding"]).toBeUndefined();
});

it("counts every answer of the site, found or not", async () => {
  const { sandbox, api } = await site();
  for (const path of [
    "/r/nosuchplace/hot",
    "/r/WoodworkingPics/about",
    "/nowhere",
    "/user/nobody-here/about",
  ])
    await api(path);
  const log = await control<LogEntry[]>(sandbox, "/log?since=1");
  expect(log.map((entry) => entry.used)).toEqual([1, 2, 3, 4]);
});

it("serves a world of 35,000 communities and 310,000 people", async () => {
  const { api, truth } = await site({ subreddits: 35_000, users: 310_000 });
  expect(await truth("?count=1")).toMatchObject({ subreddits: 35_000, users: 310_000 });
  const start = performance.now();
  for (const path of [
    "/r/thexylophones28/hot",
    "/r/woodworking29/top?t=all&limit=100",
    "/user/bababa/overview?limit=100",
  ]) {
    expect([200, 302, 403]).toContain((await api(path)).status);
  }
  expect(performance.now() - start).toBeLessThan(3000);
});
