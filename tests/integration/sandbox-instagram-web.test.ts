import { existsSync } from "node:fs";
import { type Page, chromium } from "playwright";
import { describe, expect, it, onTestFinished } from "vitest";
import type { LogEntry } from "../../sandbox/access-log.ts";
import { readConfig } from "../../shared/config.ts";
import { type Json, type Reply, ask, control } from "./sandbox-client.ts";
import { type InstagramSite, type Overview, instagramSite } from "./sandbox-instagram-client.ts";

const INFO = "/api/v1/users/web_profile_info/?username=";
const [PROFILE, TIMELINE, TIMELINE_BY_NAME] = ["25980296051578533", "7950326061742207", "9310670392322965"];
const [REELS, POST] = ["7845543455542541", "8845758582119845"];
const bodyOf = ({ body }: Reply): Json => JSON.parse(body) as Json;

interface Connection {
  edges: { node: Json }[];
  page_info: { has_next_page: boolean; end_cursor: string | null };
}

/** All nodes of a query's connection. */
async function nodes(
  { query }: InstagramSite,
  docId: string,
  variables: Json,
  find: (data: Json) => unknown,
): Promise<Json[]> {
  const found: Json[] = [];
  for (let after: string | null = null; ;) {
    const connection = find(await query(docId, { ...variables, after })) as Connection;
    found.push(...connection.edges.map(({ node }) => node));
    if (!connection.page_info.has_next_page) return found;
    after = connection.page_info.end_cursor;
  }
}

describe("web endpoints", () => {
  it("tell of an account what the truth says, by name and by id", async () => {
    const { web, query, truth } = await instagramSite();
    const item = await truth<Json>("instagram_creators/quiet.otter.0?source=web");
    const { data } = bodyOf(await web(`${INFO}quiet.otter.0`)) as { data: { user: Json } };
    expect(data.user).toMatchObject({
      id: item["ig_user_id"],
      edge_followed_by: { count: item["followers_count"] },
      edge_owner_to_timeline_media: { page_info: { has_next_page: true } },
    });
    expect((data.user["edge_related_profiles"] as Connection).edges).toHaveLength(80);
    expect(await query(PROFILE, { id: item["ig_user_id"] })).toMatchObject({
      user: {
        pk: item["ig_user_id"],
        follower_count: item["followers_count"],
        media_count: item["media_count"],
      },
    });
  });

  it("carry the whole timeline and all reels, twelve at a time, ids as texts", async () => {
    const site = await instagramSite();
    const posts = await site.truth<Json[]>("instagram_posts/quiet.otter.0?source=web");
    const reels = await site.truth<Json[]>("instagram_reels/quiet.otter.0?source=web");
    const idsOf = (media: Json[], key: string) => [
      ...new Set(media.map((medium) => String(medium[key]).split("_")[0])),
    ];
    const expected = posts.map((post) => post["media_id"]);
    const timeline = await nodes(
      site,
      TIMELINE,
      { id: "3171067", first: 50 },
      (data) => (data["user"] as Json)["edge_owner_to_timeline_media"],
    );
    expect(idsOf(timeline, "id")).toEqual(expected);
    const byName = await nodes(
      site,
      TIMELINE_BY_NAME,
      { username: "quiet.otter.0", data: { count: 12 } },
      (data) => data["xdt_api__v1__feed__user_timeline_graphql_connection"],
    );
    expect(idsOf(byName, "pk")).toEqual(expected);
    const clips = await nodes(
      site,
      REELS,
      { data: { target_user_id: "3171067", page_size: 12 } },
      (data) => data["xdt_api__v1__clips__user__connection_v2"],
    );
    const media = clips.map((node) => node["media"] as Json);
    expect(idsOf(media, "pk")).toEqual(reels.map((reel) => reel["media_id"]));
    expect(
      media.some((medium) => "taken_at" in medium || "caption" in medium || "video_versions" in medium),
    ).toBe(false);
    const log = await control<LogEntry[]>(site.sandbox, "/log");
    expect(log.filter(({ endpoint }) => endpoint === "/graphql/query timeline")).toHaveLength(20);
    expect(log[0]).toMatchObject({ creator: "quiet.otter.0", price_usd: 0 });
    const code = posts[0]!["shortcode"];
    expect(await site.query(POST, { shortcode: code })).toMatchObject({
      xdt_shortcode_media: { shortcode: code },
    });
  });

  it("have no flag that tells a count of three from a hidden one", async () => {
    const { truth } = await instagramSite();
    const [api, web] = await Promise.all(
      ["api", "web"].map((source) => truth<Json[]>(`instagram_posts/maplemisty18?source=${source}`)),
    );
    const threes = api!.filter((item) => item["like_count"] === 3).map((item) => item["media_id"]);
    expect(threes.length).toBeGreaterThan(0);
    const onWeb = web!.filter((item) => threes.includes(item["media_id"]));
    expect(new Set(onWeb.map((item) => item["likes_hidden_reason"]))).toEqual(new Set(["placeholder"]));
  });

  it("say why an account is not shown", async () => {
    const { web, query, truth } = await instagramSite();
    const { names, ids } = await truth<Overview>("instagram");
    const asked = async (index: number): Promise<[number, Json]> => {
      const reply = await web(INFO + names[index]!);
      return [reply.status, bodyOf(reply)];
    };
    expect(await asked(13)).toEqual([404, { message: "User not found", status: "fail" }]);
    expect((await asked(7))[1]).toMatchObject({ title: "Restricted profile" });
    expect((await asked(9))[1]).toMatchObject({
      data: { user: { gating: {}, edge_followed_by: { count: 0 } } },
    });
    expect((await asked(3))[1]).toMatchObject({ data: { user: { is_private: true } } });
    expect(await asked(15)).toEqual([401, expect.objectContaining({ require_login: true, status: "fail" })]);
    expect(await query(TIMELINE, { id: "1" })).toEqual({ user: null });
    expect(await query(TIMELINE, { id: ids[3] })).toMatchObject({
      user: { edge_owner_to_timeline_media: { edges: [], page_info: { has_next_page: false } } },
    });
  });

  it("answer queries that have died, at once or by a fault, with no data", async () => {
    const { query, sandbox } = await instagramSite();
    expect(await query("17888483320059182", { id: "3171067" })).toEqual({});
    await control(sandbox, "/faults", { faults: [{ kind: "dead_doc_id", match: `doc_id=${TIMELINE}` }] });
    expect(await query(TIMELINE, { id: "3171067" })).toEqual({});
    expect(await query(PROFILE, { id: "3171067" })).toMatchObject({ user: { pk: "3171067" } });
  });

  it("want a browser's user agent and the application's id", async () => {
    const { web } = await instagramSite();
    for (const headers of [{ "user-agent": "curl/8.0" }, { "user-agent": "" }]) {
      const reply = await web(`${INFO}quiet.otter.0`, { headers });
      expect([400, 429]).toContain(reply.status);
      expect(bodyOf(reply)).toEqual({ message: "useragent mismatch", status: "fail" });
    }
    const { sandbox } = await instagramSite();
    const bare = await ask(`${sandbox.env["INSTAGRAM_WEB_URL"]}${INFO}quiet.otter.0`, {
      headers: { "user-agent": "Mozilla/5.0" },
    });
    expect(bodyOf(bare)).toMatchObject({ message: "useragent mismatch" });
  });

  it.each([
    ["require_login", 401, /"require_login":true/],
    ["please_wait", 401, /^\{"message":"Please wait a few minutes before you try again.","status":"fail"\}$/],
    ["checkpoint", 400, /"message":"(challenge|checkpoint|feedback)_required"/],
    ["login_page", 200, /loginForm/],
    ["html_instead_of_json", 200, /^<!DOCTYPE html>/],
    ["login_redirect", 302, /^$/],
  ] as const)("fault %s answers %i", async (kind, status, body) => {
    const { web } = await instagramSite({}, { faults: [{ kind, times: 1 }] });
    const reply = await web(`${INFO}quiet.otter.0`);
    expect([reply.status, reply.body]).toEqual([status, expect.stringMatching(body)]);
    expect((await web(`${INFO}quiet.otter.0`)).status).toBe(200);
  });
});

describe("limits of the web", () => {
  it("count an address, and within it each set of cookies and each user agent", async () => {
    const { web, sandbox } = await instagramSite({ webRequests: 9, identityRequests: 4 });
    const statuses = async (count: number, headers: Record<string, string>) => {
      const replies = [];
      for (let i = 0; i < count; i++) replies.push((await web(`${INFO}quiet.otter.0`, { headers })).status);
      return replies;
    };
    const first = await statuses(5, { cookie: "csrftoken=a" });
    expect(first).toEqual([200, 200, 200, 200, 401]);
    expect(await statuses(5, { cookie: "csrftoken=b" })).toEqual([200, 200, 200, 200, 401]);
    // The ninth of the address; a new user agent does not help.
    expect(await statuses(3, { "user-agent": "Mozilla/5.0 (other)" })).toEqual([200, 401, 401]);
    const refused = await web(`${INFO}quiet.otter.0`, { headers: { cookie: "csrftoken=c" } });
    expect(bodyOf(refused)).toEqual({
      message: "Please wait a few minutes before you try again.",
      status: "fail",
    });
    await control(sandbox, "/time", { advance_secs: 660 });
    expect(await statuses(1, { cookie: "csrftoken=a" })).toEqual([200]);
    const log = await control<LogEntry[]>(sandbox, "/log");
    expect(new Set(log.map(({ client }) => client))).toEqual(new Set(["a", "b", "c", null]));
  });

  it("send who goes on all the same to the login", async () => {
    const { web } = await instagramSite({ webRequests: 1 });
    const statuses: number[] = [];
    for (let i = 0; i < 24; i++) statuses.push((await web(`${INFO}quiet.otter.0`)).status);
    expect(statuses.slice(0, 2)).toEqual([200, 401]);
    const last = await web(`${INFO}quiet.otter.0`);
    expect([last.status, last.headers.location]).toEqual([
      302,
      expect.stringContaining("/ig/accounts/login/?next="),
    ]);
    expect((await web("/accounts/login/")).body).toContain("loginForm");
  });

  it("are each proxy's own, and a blocked address gets the login from the start", async () => {
    const site = await instagramSite(
      { webRequests: 2 },
      { proxies: [{ kind: "ok" }, { kind: "ok" }, { kind: "blocked" }] },
    );
    const [one, two, blocked] = site.sandbox.proxyUrls;
    const statuses = async (proxy: string) =>
      [
        await site.web(`${INFO}quiet.otter.0`, { proxy }),
        await site.web(`${INFO}quiet.otter.0`, { proxy }),
        await site.web(`${INFO}quiet.otter.0`, { proxy }),
      ].map(({ status }) => status);
    expect(await statuses(one!)).toEqual([200, 200, 401]);
    expect(await statuses(two!)).toEqual([200, 200, 401]);
    expect(await statuses(blocked!)).toEqual([302, 302, 302]);
    const log = await control<LogEntry[]>(site.sandbox, "/log");
    expect(new Set(log.map(({ address }) => address)).size).toBe(3);
  });
});

describe("pages", () => {
  it("have the account as inline data, or a wall", async () => {
    const { web, truth } = await instagramSite({ creators: 40 });
    const { names } = await truth<Overview>("instagram");
    const open = await web(`/${names[0]}/`);
    const inline = /data-sjs>(.*?)<\/script>/s.exec(open.body)![1]!;
    expect(JSON.stringify(JSON.parse(inline))).toContain('"xig_user_by_username":{"pk":"3171067"');
    expect(open.headers["set-cookie"]?.[0]).toMatch(/^csrftoken=\w+; Path=\/$/);
    const known = await web(`/${names[0]}/`, { headers: { cookie: "a=b; csrftoken=mine" } });
    expect(known.headers["set-cookie"]).toBeUndefined();
    const redirected = await web(`/${names[15]}/`);
    expect([redirected.status, redirected.headers.location]).toEqual([
      302,
      expect.stringContaining("/ig/accounts/login/"),
    ]);
    const shell = await web(`/${names[35]}/`);
    expect([shell.status, shell.body]).toEqual([200, expect.stringContaining("loginForm")]);
    expect(shell.body).not.toContain("data-sjs");
    expect((await web(`/${names[7]}/`)).body).toContain("Restricted profile");
    expect((await web(`/${names[13]}/`)).status).toBe(404);
    expect((await web("/")).headers["set-cookie"]?.[0]).toMatch(/^csrftoken=/);
  });

  it("show pictures and a video that the log tells of", async () => {
    const { sandbox, truth } = await instagramSite();
    const [post] = await truth<Json[]>("instagram_posts/quiet.otter.0?limit=1");
    const picture = await ask(String(post!["thumbnail_url"]));
    expect([picture.status, picture.headers["content-type"]]).toEqual([200, "image/gif"]);
    const [entry] = await control<LogEntry[]>(sandbox, "/log");
    expect(entry).toMatchObject({ endpoint: "/cdn picture", price_usd: 0 });
  });

  const browser = readConfig().chromiumPath;
  const hasBrowser = existsSync(browser);
  if (!hasBrowser) console.warn(`skipped: no browser at ${browser}`);

  it.runIf(hasBrowser)(
    "load in a real browser, more of them with every scroll, and ask for pictures",
    async () => {
      const site = await instagramSite();
      const page = await openBrowser(browser);
      await page.goto(`${site.sandbox.env["INSTAGRAM_WEB_URL"]}/quiet.otter.0/`);
      const links = page.locator("main a");
      await expect.poll(() => links.count()).toBe(12);
      await page.mouse.wheel(0, 20_000);
      await expect.poll(() => links.count()).toBeGreaterThan(12);
      await page.goto(`${site.sandbox.env["INSTAGRAM_WEB_URL"]}/quiet.otter.0/reels/`);
      await expect.poll(() => links.count()).toBe(12);
      const log = await control<LogEntry[]>(site.sandbox, "/log");
      // A browser asks for an icon, which the site does not have.
      const asked = new Set(log.flatMap(({ endpoint }) => endpoint ?? []));
      expect(asked).toEqual(
        new Set([
          "/{username}",
          "/{username}/reels",
          "/api/v1/users/web_profile_info",
          "/graphql/query timeline",
          "/graphql/query reels",
          "/cdn picture",
          "/cdn video",
        ]),
      );
      await page.goto(`${site.sandbox.env["INSTAGRAM_WEB_URL"]}/_maple_15/`);
      expect(page.url()).toContain("/accounts/login/");
    },
  );
});

async function openBrowser(executablePath: string): Promise<Page> {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  onTestFinished(() => browser.close());
  return browser.newPage({ userAgent: "Mozilla/5.0 (compatible; test)" });
}
