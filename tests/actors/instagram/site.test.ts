import { describe, expect, it } from "vitest";
import { actor } from "../../../actors/instagram/main.ts";
import { createApiSite } from "../../../actors/instagram/site-api.ts";
import { createWebSite } from "../../../actors/instagram/site-web.ts";
import { apiSource } from "../../../actors/instagram/source-api.ts";
import { queryProbeUrl, webSource } from "../../../actors/instagram/source-web.ts";
import { readConfig } from "../../../shared/config.ts";
import { parseInput } from "../../../shared/crawl/input.ts";
import { describeRecorded, outcomeOf, recordedOutcome } from "./recordings.ts";

const settings = (env: Record<string, string> = {}) => readConfig({ RAPIDAPI_KEY: "key", ...env }, "none");
const api = createApiSite(settings({ INSTAGRAM_API_URL: "http://127.0.0.1:1/looter2/" }));
const web = createWebSite(settings({ INSTAGRAM_WEB_URL: "http://127.0.0.1:1/ig" }));
const TOKENLESS = { token: null };

describe("sources", () => {
  const input = (fields: object = {}) => parseInput(actor.input, { usernames: ["nasa"], ...fields });
  const names = (env: Record<string, string>, fields: object = {}) => {
    const { site, fallbacks = [] } = actor.site(settings(env), input(fields));
    return [site.name, ...fallbacks.map((access) => access.site.name)];
  };

  it("are those of the settings, in their order, or the input's alone", () => {
    expect(names({})).toEqual(["instagram-api"]);
    expect(names({ INSTAGRAM_SOURCES: "api, web" })).toEqual(["instagram-api", "instagram-web"]);
    expect(names({ INSTAGRAM_SOURCES: "api,web" }, { source: "web" })).toEqual(["instagram-web"]);
  });

  it("without a key say which setting is missing", () => {
    expect(() => actor.site(readConfig({}, "none"), input())).toThrow("set RAPIDAPI_KEY");
    expect(() => actor.site(readConfig({}, "none"), input({ source: "web" }))).not.toThrow();
  });

  it("without a browser say where it was looked for", () => {
    const config = settings({ CHROMIUM_PATH: "/nowhere/chromium" });
    expect(() => actor.site(config, input({ source: "browser" }))).toThrow(
      "there is none at /nowhere/chromium; set CHROMIUM_PATH",
    );
  });

  it("know their own requests", () => {
    const creator = { ig_user_id: "3", username: "nasa" };
    const urls = [apiSource.relatedUrl(creator), webSource.relatedUrl(creator), queryProbeUrl("reels")];
    expect(urls.map((url) => api.serves!(url))).toEqual([true, false, false]);
    expect(urls.map((url) => web.serves!(url))).toEqual([false, true, true]);
  });
});

describe("requests of the data API", () => {
  it("go out with the key, to where the settings say", () => {
    const page = { cursor: "37_3", limit: 24 };
    const url = apiSource.listUrl("posts", { ig_user_id: "3", username: "nasa" }, page);
    expect(api.wireRequest(url, TOKENLESS)).toEqual({
      url: "http://127.0.0.1:1/looter2/user-feeds?id=3&count=12&max_id=37_3",
      headers: {
        accept: "application/json",
        "x-rapidapi-host": "instagram-looter2.p.rapidapi.com",
        "x-rapidapi-key": "key",
      },
    });
    expect(api.usage!(url)).toEqual({ provider: "rapidapi", endpoint: "/user-feeds", costUsd: 0.00066 });
  });

  it("ask for a creator by id where it is known", () => {
    expect(new URL(apiSource.profileUrl({ ig_user_id: "3", username: "old" })!).search).toBe("?id=3");
    expect(new URL(apiSource.profileUrl({ username: "nasa" })!).search).toBe("?username=nasa");
  });
});

describe("requests of the web", () => {
  it("send queries by the present id of their document", () => {
    const { method, url, body, headers } = web.wireRequest(queryProbeUrl("timeline"), TOKENLESS);
    expect([method, url]).toEqual(["POST", "http://127.0.0.1:1/ig/graphql/query/"]);
    const form = new URLSearchParams(body);
    expect(form.get("doc_id")).toBe("7950326061742207");
    expect(JSON.parse(form.get("variables")!)).toEqual({ id: "25025320", first: 12, after: null });
    expect(headers).toMatchObject({ "x-ig-app-id": "936619743392459" });
  });
});

describe("headers of the data API", () => {
  const rate = (remaining: string) => ({
    "x-ratelimit-limit": "10",
    "x-ratelimit-remaining": remaining,
    "x-ratelimit-reset": "1",
  });

  it("tell the rate's window", () => {
    expect(api.readBudget(rate("4"))).toEqual({ used: 6, remaining: 4, resetMs: 1000 });
    expect(api.readBudget({ "x-ratelimit-limit": "10" })).toBeNull();
    expect(api.readBudget(rate("4, 2"))).toMatchObject({ remaining: 2 });
    expect(api.readBudget(rate("-1"))).toMatchObject({ remaining: 0 });
    expect(api.readBudget(rate("?"))).toBe("unreadable");
    // A window of a second, by its limit.
    const endless = { ...rate("4"), "x-ratelimit-limit": "5", "x-ratelimit-reset": "soon" };
    expect(api.readBudget(endless)).toEqual({ used: 1, remaining: 4, resetMs: 1000 });
  });

  it("tell what the plan's quota has left", () => {
    const quota = (remaining: string) => ({
      "x-ratelimit-requests-limit": "15000",
      "x-ratelimit-requests-remaining": remaining,
      "x-ratelimit-requests-reset": "864000",
    });
    expect(api.readQuota!(quota("1"))).toMatchObject({ left: 1 });
    expect(api.readQuota!(quota("7, 5"))).toMatchObject({ left: 5 });
    expect(api.readQuota!(quota("-3"))).toMatchObject({ left: 0 });
    expect(api.readQuota!(quota("inf"))).toBeNull();
    expect(api.readQuota!({})).toBeNull();
    expect(api.readQuota!(quota("0"))).toEqual({
      left: 0,
      reason: "the plan's quota of 15000 calls is used up; it starts again in 10.0 days",
    });
  });

  it("say when a refused rate opens again", () => {
    const refused = { status: 429, body: { message: "exceeded the rate limit per second" } };
    expect(outcomeOf(api, refused)).toMatchObject({ kind: "throttled", retryAfterMs: 1000 });
    const headers = { ...rate("0"), "x-ratelimit-reset": "7" };
    expect(outcomeOf(api, { ...refused, headers })).toMatchObject({ kind: "throttled", retryAfterMs: 7000 });
    const other = { ...headers, "retry-after": "3" };
    expect(outcomeOf(api, { ...refused, headers: other })).toMatchObject({ retryAfterMs: 3000 });
  });
});

describe("answers of the data API", () => {
  it.each([
    [200, { status: true, username: "nasa" }, { kind: "ok" }],
    [200, { status: "ok", items: [] }, { kind: "ok" }],
    [200, { status: 200, body: { status: true } }, { kind: "ok" }],
    [
      200,
      { status: false, message: "Try again" },
      { kind: "serverError", reason: "status false: Try again" },
    ],
    [200, { status: "fail" }, { kind: "serverError" }],
    [200, { message: "Too many requests" }, { kind: "throttled", status: 200, retryAfterMs: 1000 }],
    [200, { status: false, message: "exceeded the rate limit per second" }, { kind: "throttled" }],
    [200, { message: "You have exceeded the MONTHLY quota for Requests" }, { kind: "retired" }],
    [200, { message: "oops", error: 502 }, { kind: "serverError" }],
    [200, { status: false, message: "User not found" }, { kind: "gone", availability: "not_found" }],
    [200, { status: 404, body: { message: "User not found" } }, { kind: "gone", availability: "not_found" }],
    [404, { status: false, message: "User not found" }, { kind: "gone", reason: "User not found" }],
    [
      401,
      { message: "Invalid API key." },
      { kind: "retired", reason: "the key is refused: Invalid API key." },
    ],
    [403, { message: "Something else" }, { kind: "gone", availability: null }],
    [500, { message: "oops" }, { kind: "serverError", reason: "oops" }],
    [502, "<html>", { kind: "serverError" }],
    [200, "<html>", { kind: "malformed" }],
  ])("with %i %j are %j", (status, body, outcome) => {
    expect(outcomeOf(api, { status, body })).toMatchObject(outcome);
  });

  it("by the gateway itself state nothing of a creator", () => {
    const headers = { "x-rapidapi-proxy-response": "true" };
    const answer = { status: 404, body: { message: "API doesn't exists" }, headers };
    expect(outcomeOf(api, answer)).toMatchObject({ kind: "gone", availability: null });
  });
});

describe("answers of the web", () => {
  const QUERY = "https://www.instagram.com/graphql/query/";

  it("by a query that has died retire the source", () => {
    for (const body of [
      { data: {}, status: "ok" },
      { data: null, errors: [{ message: "execution error" }] },
    ])
      expect(outcomeOf(web, { status: 200, body, url: QUERY })).toMatchObject({ kind: "retired" });
  });

  it("by an error that passes are asked for again", () => {
    const failed = (body: object, url = QUERY) => outcomeOf(web, { status: 200, body, url });
    const wait = "Please wait a few minutes before you try again.";
    expect(failed({ status: "fail", message: wait })).toMatchObject({ kind: "throttled" });
    expect(failed({ data: null, errors: [{ message: "Rate limit exceeded" }] })).toMatchObject({
      kind: "throttled",
    });
    expect(failed({ status: "fail", message: "" })).toMatchObject({ kind: "serverError" });
    expect(failed({ data: null, errors: [{ message: "Sorry, something went wrong" }] })).toMatchObject({
      kind: "serverError",
    });
    // What is no query cannot be one that has died.
    const info = "https://www.instagram.com/api/v1/users/web_profile_info/?username=nasa";
    expect(failed({ data: {}, status: "ok" }, info)).toMatchObject({ kind: "ok" });
  });

  it("without a user are a fact by name; a query may only not show it", () => {
    const answer = { status: 200, body: { data: { user: null }, status: "ok" } };
    expect(outcomeOf(web, answer)).toMatchObject({ kind: "gone", availability: "not_found" });
    expect(outcomeOf(web, { ...answer, url: QUERY })).toMatchObject({ kind: "gone", availability: null });
  });

  it("that send everybody to the login are about the client", () => {
    const headers = { location: "http://127.0.0.1:1/ig/accounts/login/?next=%2Fnasa%2F" };
    expect(outcomeOf(web, { status: 302, body: "", headers })).toMatchObject({ kind: "blocked" });
  });
});

describeRecorded("errors", () => {
  it.each([
    ["errors_quoted/rapidapi_429_monthly_quota.json", { kind: "retired" }],
    ["errors_quoted/rapidapi_429_per_second.json", { kind: "throttled", retryAfterMs: 1000 }],
    ["errors_quoted/rapidapi_403_not_subscribed.json", { kind: "retired" }],
  ])("%s of the data API are %j", (file, outcome) => {
    expect(recordedOutcome(api, file)).toMatchObject(outcome);
  });

  it.each([
    ["errors_quoted/401_require_login.json", { kind: "gone", reason: "require_login", availability: null }],
    ["errors_quoted/401_require_login_bare.json", { kind: "gone", reason: "require_login" }],
    ["errors_quoted/403_login_required.json", { kind: "gone", reason: "require_login" }],
    ["errors_quoted/404_user_not_found.json", { kind: "gone", availability: "not_found" }],
    ["errors_quoted/200_age_restricted.json", { kind: "gone", availability: "gated" }],
    ["errors_quoted/400_checkpoint_challenge.json", { kind: "blocked" }],
    ["errors_quoted/400_feedback_required.json", { kind: "blocked" }],
    ["errors_quoted/429_or_400_useragent_mismatch.json", { kind: "blocked" }],
    ["errors_quoted/302_login_redirect.json", { kind: "blocked" }],
    ["errors/pgrimaud_checkpoint-challenge.json", { kind: "blocked" }],
    ["errors_quoted/200_private_profile_shape.json", { kind: "ok" }],
  ])("%s of the web are %j", (file, outcome) => {
    expect(recordedOutcome(web, file)).toMatchObject(outcome);
  });
});
