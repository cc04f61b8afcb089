import { describe, expect, it } from "vitest";
import type { LogEntry } from "../../sandbox/access-log.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { type Reply, apiOf, control, sandboxFor } from "./sandbox-client.ts";

type Json = Record<string, unknown>;
interface Thing {
  kind: string;
  data: Json;
}
interface Listing {
  kind: string;
  data: { after: string | null; dist: number; children: Thing[]; before: null };
}

async function site(options = {}): Promise<{
  sandbox: Sandbox;
  api: (path: string) => Promise<Reply>;
  json: <T = Thing>(path: string) => Promise<T>;
  truth: <T>(path: string) => Promise<T>;
}> {
  const sandbox = await sandboxFor(options);
  const api = await apiOf(sandbox);
  return {
    sandbox,
    api,
    json: async <T>(path: string) => JSON.parse((await api(path)).body) as T,
    truth: <T>(path: string) => control<T>(sandbox, `/truth${path}`),
  };
}

/** All pages of a listing. */
async function chain(json: <T>(path: string) => Promise<T>, path: string): Promise<Thing[]> {
  const things: Thing[] = [];
  for (let after: string | null = ""; after !== null;) {
    const page: Listing = await json<Listing>(
      `${path}${path.includes("?") ? "&" : "?"}limit=100&raw_json=1&after=${after}`,
    );
    expect(page.data.dist).toBe(page.data.children.length);
    things.push(...page.data.children);
    after = page.data.after;
  }
  return things;
}

/** Every comment of an answer, and the stubs that hide more. */
function flatten(things: Thing[]): { ids: string[]; stubs: Json[] } {
  const parts = things.map(({ kind, data }) => {
    if (kind === "more") return { ids: [], stubs: [data] };
    const replies =
      data["replies"] === "" ? { ids: [], stubs: [] } : flatten((data["replies"] as Listing).data.children);
    return { ids: [data["id"] as string, ...replies.ids], stubs: replies.stubs };
  });
  return { ids: parts.flatMap((part) => part.ids), stubs: parts.flatMap((part) => part.stubs) };
}

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

describe("people", () => {
  it("answer about themselves what the truth says", async () => {
    const { json, truth } = await site();
    const { data } = await json("/user/bababa/about?raw_json=1");
    const item = await truth<Json>("/users/bababa");
    expect(item).toMatchObject({
      username: data["name"],
      reddit_id: data["id"],
      total_karma: data["total_karma"],
      comment_karma: data["comment_karma"],
      is_gold: data["is_gold"],
      bio: (data["subreddit"] as Json)["public_description"],
    });
  });

  it("come a hundred at a time by their ids, without those that are gone", async () => {
    const { api, json, truth } = await site();
    const ids = (await truth<string[]>("/authors/woodworking")).slice(0, 100);
    const known = (await truth<(Json | null)[]>(`/users?ids=${ids.join(",")}`)).filter(
      (item) => item !== null,
    );
    expect(known.length).toBeLessThan(ids.length);
    const answer = await json<Record<string, Json>>(
      `/api/user_data_by_account_ids?ids=${ids.join(",")},t2_zzzzzz`.replace(`${ids[99]},`, ""),
    );
    for (const item of known.slice(0, 90)) {
      expect(answer[`t2_${item["reddit_id"]}`]).toMatchObject({
        name: item["username"],
        link_karma: item["link_karma"],
      });
    }
    expect((await api("/api/user_data_by_account_ids?ids=t2_zzzzzz")).status).toBe(404);
  });

  it("are not found, or all but gone, when deleted, shadowbanned or suspended", async () => {
    const { sandbox, api, json } = await site();
    expect((await api("/user/nobody-at-all/about")).status).toBe(404);
    const things = await chain(json, "/r/woodworking/new");
    const names = [...new Set(things.map((thing) => thing.data["author"] as string))].filter(
      (name) => name !== "[deleted]",
    );
    const replies = await Promise.all(names.map((name) => api(`/user/${name}/about`)));
    const kinds = replies.map(({ status, body }) =>
      status === 404 ? "gone" : body.includes('"is_suspended":true') ? "suspended" : "ok",
    );
    expect(new Set(kinds)).toEqual(new Set(["ok", "gone", "suspended"]));
    const suspended = names[kinds.indexOf("suspended")]!;
    expect([403, 404]).toContain((await api(`/user/${suspended}/submitted`)).status);
    expect(await control(sandbox, `/truth/users/${suspended}`)).toMatchObject({ availability: "suspended" });
  });

  it("show what they wrote, in pages, up to a thousand", async () => {
    const { json, truth } = await site();
    for (const listing of ["submitted", "comments", "overview"]) {
      const things = await chain(json, `/user/bababa/${listing}`);
      expect(things.map((thing) => thing.data["name"])).toEqual(await truth(`/users/bababa/${listing}`));
      expect(new Set(things.map((thing) => thing.data["author"]))).toEqual(new Set(["bababa"]));
    }
    expect(await truth("/users/bababa/overview")).toHaveLength(1000);
  });

  it("may hide it: nothing is shown, and search finds it", async () => {
    const { json, truth } = await site();
    const ids = await truth<string[]>("/authors/woodworking");
    const people = (await truth<(Json | null)[]>(`/users?ids=${ids.join(",")}`)).flatMap(
      (item) => (item?.["username"] as string | undefined) ?? [],
    );
    const items = await Promise.all(people.map((name) => truth<Json>(`/users/${name}`)));
    const hidden = items.find((item) => item["hides_history"])!["username"] as string;
    const { data } = await json<Listing>(`/user/${hidden}/submitted`);
    expect(data).toMatchObject({ dist: 0, children: [], after: null });
    const found = await json<Listing>(`/search?q=author:${hidden}`);
    expect(found.data.children.length).toBeGreaterThan(0);
  });
});

describe("comments", () => {
  it("are all there when every stub is followed", async () => {
    const { json, truth } = await site();
    const ids = await truth<string[]>("/listings/woodworking/top?t=all&limit=1");
    const expected = await truth<Json[]>(`/comments/${ids[0]}`);
    expect(expected.length).toBeGreaterThan(300);
    const [post, tree] = await json<[Listing, Listing]>(`/comments/${ids[0]}?limit=200&depth=2&raw_json=1`);
    expect(post.data.children[0]!.data["num_comments"]).toBe(expected.length);
    const seen = new Set<string>();
    const kinds = new Set<string>();
    const todo = [flatten(tree.data.children)];
    for (let part = todo.pop(); part; part = todo.pop()) {
      for (const id of part.ids) seen.add(id);
      for (const stub of part.stubs) {
        const children = stub["children"] as string[];
        kinds.add(children.length ? "siblings" : `${stub["count"]} ${stub["id"]} ${stub["name"]}`);
        if (children.length === 0) {
          const parent = (stub["parent_id"] as string).slice(3);
          const [, below] = await json<[Listing, Listing]>(`/comments/${ids[0]}/_/${parent}?limit=500`);
          todo.push(flatten(below.data.children));
        }
        for (let i = 0; i < children.length; i += 100) {
          const query = `link_id=t3_${ids[0]}&children=${children.slice(i, i + 100).join(",")}&api_type=json`;
          const more = await json<{ json: { data: { things: Thing[] } } }>(`/api/morechildren?${query}`);
          todo.push(flatten(more.json.data.things));
        }
      }
    }
    expect(kinds).toEqual(new Set(["siblings", "0 _ t1__"]));
    expect([...seen].toSorted()).toEqual(expected.map((item) => item["reddit_id"]).toSorted());
  });

  it("refuse more than a hundred children at once", async () => {
    const { api, truth } = await site();
    const [id] = await truth<string[]>("/listings/woodworking/top?t=all&limit=1");
    const many = Array.from({ length: 1000 }, (_, i) => `a${i}aaaaa`);
    expect(
      (await api(`/api/morechildren?link_id=t3_${id}&children=${many.slice(0, 101).join(",")}`)).status,
    ).toBe(400);
    expect((await api(`/api/morechildren?link_id=t3_${id}&children=${many.join(",")}`)).status).toBe(414);
  });
});

describe("search", () => {
  it("finds titles with all the words, 250 at most", async () => {
    const { json, truth } = await site();
    const things = await chain(json, "/search?q=woodworking+gift&sort=new");
    expect(things.length).toBeGreaterThan(20);
    for (const thing of things) expect(thing.data["title"]).toMatch(/(?=.*woodworking)(?=.*gift)/is);
    expect(things.map((thing) => thing.data["name"])).toEqual(
      await truth("/search?q=woodworking+gift&sort=new"),
    );
    expect(await chain(json, "/search?q=woodworking")).toHaveLength(250);
    expect(await chain(json, "/search?q=nonsense")).toHaveLength(0);
  });

  it("stays in one community on demand", async () => {
    const { json } = await site();
    const within = await chain(json, "/r/woodworkingtips/search?q=woodworking&restrict_sr=on");
    expect(new Set(within.map((thing) => thing.data["subreddit"]))).toEqual(new Set(["WoodworkingTips"]));
    expect((await chain(json, "/r/woodworkingtips/search?q=woodworking")).length).toBe(250);
  });

  it("finds communities by name", async () => {
    const { json, truth } = await site();
    const found = await chain(json, "/subreddits/search?q=wood");
    expect(found.map((thing) => thing.data["name"])).toEqual(await truth("/search/subreddits?q=wood"));
    expect(found.map((thing) => thing.data["display_name"])).toContain("woodworkingmemes");
  });
});

it("computes metrics by the formulas from what the listings show", async () => {
  const { json, truth } = await site();
  const { data } = await json<Listing>("/r/woodworking/top?t=week&limit=100&raw_json=1");
  const posts = data.children.map((child) => child.data).filter((post) => !post["stickied"]);
  const sum = (key: string): number => posts.reduce((total, post) => total + (post[key] as number), 0);
  const metrics = await truth<Record<string, number>>("/metrics/woodworking");
  expect(metrics["metrics_sample_size"]).toBe(posts.length);
  expect(metrics["avg_upvotes_per_post"]).toBeCloseTo(sum("score") / posts.length);
  expect(metrics["engagement"]).toBeCloseTo(sum("num_comments") / sum("score"));
  expect(metrics["subreddit_score"]).toBeCloseTo(Math.sqrt((1000 * sum("num_comments")) / posts.length));
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

it("answers as fast as a full world demands", async () => {
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
