import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { createRedditSite } from "../../../actors/reddit/site.ts";
import { readConfig } from "../../../shared/config.ts";
import { classify } from "../../../shared/crawl/classify.ts";
import type { Outcome } from "../../../shared/crawl/outcome.ts";
import { InvalidInputError } from "../../../shared/errors.ts";

const config = (env: Record<string, string> = {}) => readConfig(env, "no .env file");
const WITH_ID = { REDDIT_CLIENT_ID: "id" };

describe("the source", () => {
  it("is the API where there is a client id", () => {
    expect(createRedditSite(config(WITH_ID))).toMatchObject({ name: "reddit", needsToken: true });
    expect(createRedditSite(config({ ...WITH_ID, REDDIT_PUBLIC_URL: "http://127.0.0.1:1" })).needsToken).toBe(
      true,
    );
  });

  it("is the anonymous pages where asked for, or where they are on another host", () => {
    expect(createRedditSite(config(WITH_ID), "public").needsToken).toBe(false);
    expect(createRedditSite(config({ REDDIT_PUBLIC_URL: "http://127.0.0.1:1" })).needsToken).toBe(false);
  });

  it.each([undefined, "oauth"] as const)(
    "without a client id is an error that says what to set: %s",
    (source) => {
      const create = () => createRedditSite(config(), source);
      expect(create).toThrow(InvalidInputError);
      expect(create).toThrow(/REDDIT_CLIENT_ID.*IDENTITIES_FILE.*"source": "public"/);
    },
  );
});

describe("wireRequest", () => {
  const listing = "https://www.reddit.com/r/node/top?t=week&limit=100&after=t3_a";

  it("puts the path after the API's, asks for raw JSON and sends the token", () => {
    const site = createRedditSite(config({ ...WITH_ID, REDDIT_API_URL: "http://127.0.0.1:1/oauth/" }));
    expect(site.wireRequest(listing, { token: "abc" })).toEqual({
      url: "http://127.0.0.1:1/oauth/r/node/top?t=week&limit=100&after=t3_a&raw_json=1",
      headers: { accept: "application/json", authorization: "bearer abc" },
    });
  });

  it("leaves the query as it is written", () => {
    const { url } = createRedditSite(config(WITH_ID)).wireRequest(
      "https://www.reddit.com/api/info?id=t3_a,t3_b",
      { token: "abc" },
    );
    expect(url).toBe("https://oauth.reddit.com/api/info?id=t3_a,t3_b&raw_json=1");
  });

  it.each([
    [listing, "/r/node/top.json?t=week&limit=100&after=t3_a&raw_json=1"],
    ["https://www.reddit.com/r/node/about/", "/r/node/about.json?raw_json=1"],
    ["https://www.reddit.com/", "/.json?raw_json=1"],
  ])("asks the anonymous pages for %s as .json, without a token", (url, expected) => {
    const site = createRedditSite(config({ REDDIT_PUBLIC_URL: "http://127.0.0.1:1" }));
    expect(site.wireRequest(url, { token: null })).toEqual({
      url: `http://127.0.0.1:1${expected}`,
      headers: { accept: "application/json" },
    });
  });

  it("refuses URLs of other sites", () => {
    const { wireRequest } = createRedditSite(config(WITH_ID));
    expect(() => wireRequest("https://example.org/r/node", { token: "abc" })).toThrow(
      /www\.reddit\.com.*example\.org/,
    );
  });
});

function budgetHeaders(used?: string, remaining?: string, reset?: string) {
  return { "x-ratelimit-used": used, "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset };
}

describe("readBudget", () => {
  const { readBudget } = createRedditSite(config(WITH_ID));

  it("reads remaining as a decimal and reset in seconds", () => {
    expect(readBudget(budgetHeaders("4", "996.0", "512"))).toEqual({
      used: 4,
      remaining: 996,
      resetMs: 512_000,
    });
    expect(readBudget(budgetHeaders("1000", "0", "0.5"))).toEqual({ used: 1000, remaining: 0, resetMs: 500 });
  });

  it("takes the least where a header came twice, and nothing below zero", () => {
    expect(readBudget(budgetHeaders("5, 5", "991.0, 98.0", "300, 299"))).toEqual({
      used: 5,
      remaining: 98,
      resetMs: 300_000,
    });
    expect(readBudget(budgetHeaders("1001", "-5.0", "300"))).toEqual({
      used: 1001,
      remaining: 0,
      resetMs: 300_000,
    });
    expect(readBudget(budgetHeaders("4", ' "996.0", ', "10.5"))).toMatchObject({ remaining: 996 });
    expect(readBudget(budgetHeaders("4", "0.5", "10"))).toMatchObject({ remaining: 0 });
  });

  it.each([
    ["4", "nan", "10", { used: 4, remaining: 996, resetMs: 10_000 }],
    ["4", undefined, "10", { used: 4, remaining: 996, resetMs: 10_000 }],
    ["1900", "inf", "10", { used: 1900, remaining: 0, resetMs: 10_000 }],
    ["?", "9", "10", { used: 0, remaining: 9, resetMs: 10_000 }],
    ["4", "9", undefined, { used: 4, remaining: 9, resetMs: 600_000 }],
    ["4", "9", "-1", { used: 4, remaining: 9, resetMs: 600_000 }],
    // A date, and a window that is over.
    ["4", "9", "1790000000", { used: 4, remaining: 9, resetMs: 600_000 }],
    ["4", "0", "0", { used: 4, remaining: 0, resetMs: 1_000 }],
  ])("tells what the others tell where one cannot be read: %s %s %s", (used, remaining, reset, reading) => {
    expect(readBudget(budgetHeaders(used, remaining, reset))).toEqual(reading);
  });

  it.each([
    [undefined, "nan", "10"],
    ["x", "", "10"],
    ["inf", "inf", "inf"],
    [undefined, "1e3", undefined],
    [undefined, "9".repeat(400), "10"],
  ])("does not take what cannot be read for no headers: %s %s %s", (used, remaining, reset) => {
    expect(readBudget(budgetHeaders(used, remaining, reset))).toBe("unreadable");
    expect(readBudget(budgetHeaders(undefined, undefined, reset))).toBeNull();
  });
});

const { rules } = createRedditSite(config(WITH_ID));

function classifyAnswer(status: number, headers: Record<string, string>, body: unknown): Outcome {
  return classify(
    {
      status,
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
      ),
      body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
      url: "https://oauth.reddit.com/r/node",
      answeredAt: 0,
    },
    rules,
  );
}

describe("rules", () => {
  it.each([
    [403, "private", "private"],
    [403, "quarantined", "quarantined"],
    [403, "gated", "gated"],
    [403, "gold_only", "private"],
    [404, "banned", "banned"],
    [404, "SOMETHING_ELSE", "not_found"],
    [403, "SOMETHING_ELSE", null],
  ])("%i with reason %s proves %s", (status, reason, availability) => {
    expect(classifyAnswer(status, {}, { reason, error: status })).toMatchObject({
      kind: "gone",
      availability,
    });
  });

  it.each([
    "https://www.reddit.com/subreddits/search?q=nosuch",
    "/subreddits/search.json?q=nosuch&raw_json=1",
  ])("a redirect to %s means that the subreddit does not exist", (location) => {
    expect(classifyAnswer(302, { location }, "")).toMatchObject({
      kind: "gone",
      reason: "not_found",
      availability: "not_found",
      location: expect.stringContaining("/subreddits/search"),
    });
  });

  it("RATELIMIT among the errors of a success is a refusal, others are for the parser", () => {
    const refused = (...errors: string[][]) => classifyAnswer(200, {}, { json: { errors } });
    const limit = ["RATELIMIT", "Take a break for 2 seconds before trying again.", "ratelimit"];
    expect(refused(["BAD_ID", "that id is invalid", "id"], limit)).toMatchObject({
      kind: "throttled",
      status: 200,
      retryAfterMs: 2_000,
    });
    expect(refused(["RATELIMIT"])).toMatchObject({ kind: "throttled", retryAfterMs: null });
    expect(refused(["BAD_ID", "that id is invalid", "id"])).toMatchObject({ kind: "ok" });
  });

  it("other redirects prove nothing", () => {
    expect(classifyAnswer(302, { location: "/subreddits/searches" }, "")).toMatchObject({
      availability: null,
    });
  });
});

/** By the start of the file's name. */
const RECORDED: Record<string, object> = {
  "errors/001": { kind: "gone", reason: "INSUFFICIENT_CREDDITS", availability: null },
  "errors/004": { kind: "gone", reason: "not_found", availability: "not_found" },
  "errors/015": { kind: "gone", reason: "insufficient_scope", availability: null },
  "errors/018": { kind: "unauthorized", reason: "invalid_token" },
  "errors/021": { kind: "gone", reason: "forbidden", availability: null },
  "errors/026": { kind: "gone", reason: "forbidden", availability: null },
  "errors/034": { kind: "gone", reason: "INSUFFICIENT_CREDDITS", availability: null },
  "errors/037": { kind: "serverError", status: 504 },
  "errors/038": { kind: "serverError", status: 502 },
  "errors/041": { kind: "serverError", status: 500 },
  "errors/042": { kind: "gone", reason: "unavailable_for_legal_reasons", availability: null },
  "errors/045": { kind: "gone", reason: "not_found", availability: "not_found" },
  "errors/046": { kind: "gone", reason: "not_found", availability: "not_found" },
  "errors/048": { kind: "gone", reason: "redirect", location: "https://oauth.reddit.com/r/ferguson.json" },
  "errors/050": { kind: "gone", reason: "forbidden", availability: null },
  "errors/052": { kind: "unauthorized", reason: "invalid_token" },
  "errors/054": { kind: "gone", reason: "conflict", availability: null },
  "errors/056": { kind: "gone", reason: "GOLD_REQUIRED", availability: null },
  "errors/060": { kind: "gone", reason: "Bad Request", availability: null },
  "errors/067": { kind: "gone", reason: "USER_DOESNT_EXIST", availability: null },
  "errors/072": { kind: "serverError", status: 503 },
  "errors/074": { kind: "gone", reason: "Bad Request", availability: null },
  "errors/075": { kind: "gone", reason: "SR_RULE_EXTRA_IN_ORDER", availability: null },
  "errors/078": { kind: "serverError", status: 500 },
  "errors/081": { kind: "gone", reason: "INSUFFICIENT_COINS", availability: null },
  "errors/088": { kind: "gone", reason: "forbidden", availability: null },
  "errors/089": { kind: "gone", reason: "forbidden", availability: null },
  "errors/090": { kind: "gone", reason: "forbidden", availability: null },
  "errors/092": { kind: "gone", reason: "forbidden", availability: null },
  "errors/101": { kind: "serverError", status: 503 },
  "errors/103": { kind: "gone", reason: "uri_too_long", availability: null },
  "errors/108": { kind: "gone", reason: "INVALID_CSS", availability: null },
  "errors/110": { kind: "gone", reason: "PARAMETER_REQUIRED", availability: null },
  "errors/111": { kind: "gone", reason: "Bad Request", availability: null },
  "errors_quoted/banned": { kind: "gone", reason: "banned", availability: "banned" },
  "errors_quoted/gated": { kind: "gone", reason: "gated", availability: "gated" },
  "errors_quoted/js_challenge": { kind: "blocked", status: 200, reason: "JS challenge" },
  "errors_quoted/missing": { kind: "gone", reason: "not_found", availability: "not_found" },
  "errors_quoted/network_security": {
    kind: "blocked",
    status: 403,
    reason: "403 Forbidden: network security",
  },
  "errors_quoted/private": { kind: "gone", reason: "private", availability: "private" },
  "errors_quoted/public_json_blocked": {
    kind: "blocked",
    status: 403,
    reason: "403 Forbidden: network policy",
  },
  // Content, though little: what it means is for the parser to say.
  "errors_quoted/suspended_user": { kind: "ok" },
  "redirects/013": { kind: "gone", reason: "redirect", availability: null },
  "redirects/018": { kind: "gone", reason: "redirect", availability: null },
  "redirects/033": { kind: "gone", reason: "redirect", availability: null },
  "redirects/046": { kind: "gone", reason: "redirect", availability: null },
  "redirects/062": { kind: "gone", reason: "redirect", availability: null },
};

const recordings = path.resolve(import.meta.dirname, "../../../../shared/fixtures/reddit");

describe.skipIf(!existsSync(recordings))("recorded answers (skipped: ../shared/fixtures is not here)", () => {
  const folders = ["errors", "errors_quoted", "redirects"].filter((folder) =>
    existsSync(path.join(recordings, folder)),
  );
  const files = folders.flatMap((folder) =>
    readdirSync(path.join(recordings, folder)).map((file) => `${folder}/${file}`),
  );

  it.each(files)("%s", (file) => {
    const expected = Object.entries(RECORDED).find(([start]) => file.startsWith(start))?.[1];
    const { response } = JSON.parse(readFileSync(path.join(recordings, file), "utf8"));
    expect(expected, "a row in RECORDED").toBeDefined();
    expect(classifyAnswer(response.status, response.headers, response.body)).toMatchObject(expected!);
  });
});
