import { describe, expect, it } from "vitest";
import { type Json, type Listing, type Thing, chain, control, site } from "./sandbox-client.ts";

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
    expect(await truth(`/users/${hidden}/submitted`)).toEqual([]);
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

  it("are counted where they are hidden", async () => {
    const { json, truth } = await site();
    const [id] = await truth<string[]>("/listings/woodworking/top?t=all&limit=1");
    const expected = await truth<Json[]>(`/comments/${id}`);
    const [, tree] = await json<[Listing, Listing]>(`/comments/${id}?limit=60`);
    const { ids, stubs } = flatten(tree.data.children);
    expect(ids).toHaveLength(60);
    expect(stubs.reduce((sum, stub) => sum + (stub["count"] as number), 0)).toBe(expected.length - 60);
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
    expect(await chain(json, "/search?q=woodworking&sort=top")).toHaveLength(250);
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
