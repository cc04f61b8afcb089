import type http from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHttpClient } from "../../../../shared/crawl/http-client.ts";
import { createOAuthToken, type OAuthTokenOptions } from "../../../../shared/crawl/oauth-token.ts";
import { closedPort, startProxy, startServer, type TestServer } from "./servers.ts";

const HOUR_MS = 3_600_000;
const DIRECT = { proxyUrl: null };

let now = 0;
let answer: (response: http.ServerResponse) => void;
let asked: { authorization: string | undefined; userAgent: string | undefined; form: object }[];
let server: TestServer;
const client = createHttpClient({
  connectTimeoutMs: 1_000,
  headersTimeoutMs: 1_000,
  bodyTimeoutMs: 1_000,
  maxBodyBytes: 2 ** 20,
});

const json =
  (status: number, body: object, headers = {}) =>
  (response: http.ServerResponse) =>
    void response
      .writeHead(status, { "content-type": "application/json", ...headers })
      .end(JSON.stringify(body));
const tokenAnswer = (token: string) =>
  json(200, { access_token: token, token_type: "bearer", expires_in: 86_400 });

beforeEach(async () => {
  now = 1_000_000;
  asked = [];
  answer = tokenAnswer("first");
  server = await startServer(async (request, response) => {
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    const { authorization, "user-agent": userAgent } = request.headers;
    asked.push({ authorization, userAgent, form });
    answer(response);
  });
});
afterEach(async () => {
  client.close();
  await server.close();
});

function credential(options: Partial<OAuthTokenOptions> = {}) {
  return createOAuthToken({
    name: "main",
    tokenUrl: `http://127.0.0.1:${server.port}/api/v1/access_token`,
    clientId: "id",
    clientSecret: "s3cret",
    userAgent: "linux:app:1",
    client,
    now: () => now,
    ...options,
  });
}

/** With a token that the site has taken. */
async function working() {
  const token = credential();
  await token.renew(DIRECT);
  token.accepted("first");
  return token;
}

describe("asking", () => {
  it("sends client id and secret, for a token of the app alone", async () => {
    const token = credential();
    expect([token.token(), token.needsRenewal(now)]).toEqual([null, true]);
    expect(await token.renew(DIRECT)).toEqual({ kind: "renewed" });
    expect([token.token(), token.needsRenewal(now), token.retired]).toEqual(["first", false, null]);
    expect(asked).toEqual([
      {
        authorization: `Basic ${Buffer.from("id:s3cret").toString("base64")}`,
        userAgent: "linux:app:1",
        form: { grant_type: "client_credentials" },
      },
    ]);
  });

  it("without a secret is that of an installed app", async () => {
    await credential({ clientSecret: "" }).renew(DIRECT);
    expect(asked[0]).toMatchObject({
      authorization: `Basic ${Buffer.from("id:").toString("base64")}`,
      form: {
        grant_type: "https://oauth.reddit.com/grants/installed_client",
        device_id: "DO_NOT_TRACK_THIS_DEVICE",
      },
    });
  });

  it("is one request for all that wait, and another one later", async () => {
    const token = credential();
    const results = await Promise.all([1, 2, 3].map(() => token.renew(DIRECT)));
    expect(results).toEqual(Array.from({ length: 3 }, () => ({ kind: "renewed" })));
    expect(asked).toHaveLength(1);
    await token.renew(DIRECT);
    expect(asked).toHaveLength(2);
  });

  it("goes through the given proxy", async () => {
    const proxy = await startProxy();
    await credential().renew({ proxyUrl: `http://127.0.0.1:${proxy.port}` });
    expect(proxy.seen).toHaveLength(1);
    await proxy.close();
  });
});

describe("a token's life", () => {
  it("ends for renewal at nine tenths, and for use at its end", async () => {
    const token = await working();
    now += 24 * HOUR_MS * 0.9 - 1;
    expect(token.needsRenewal(now)).toBe(false);
    now += 1;
    expect([token.needsRenewal(now), token.token()]).toEqual([true, "first"]);
    now += 24 * HOUR_MS * 0.1;
    expect([token.needsRenewal(now), token.token()]).toEqual([true, null]);
  });

  it("goes on while an early renewal runs, and after one that failed", async () => {
    const token = await working();
    now += 23 * HOUR_MS;
    answer = json(503, {});
    const renewal = token.renew(DIRECT);
    expect(token.token()).toBe("first");
    expect(await renewal).toMatchObject({ kind: "failed" });
    expect([token.token(), token.retired]).toEqual(["first", null]);
    answer = tokenAnswer("second");
    await token.renew(DIRECT);
    expect([token.token(), token.needsRenewal(now)]).toEqual(["second", false]);
  });
});

describe("a 401 of the API", () => {
  it("drops a token that had worked, to be renewed", async () => {
    const token = await working();
    token.refused("first");
    expect([token.token(), token.needsRenewal(now), token.retired]).toEqual([null, true, null]);
  });

  it("retires the credential when two tokens in a row never worked, and says what to check", async () => {
    const token = await working();
    token.refused("first");
    answer = tokenAnswer("second");
    await token.renew(DIRECT);
    token.refused("second");
    expect(token.retired).toBeNull();
    answer = tokenAnswer("third");
    await token.renew(DIRECT);
    token.refused("third");
    expect(token.retired).toMatch(/identity "main".*check.*REDDIT_API_URL/);
    expect([token.token(), token.needsRenewal(now)]).toEqual([null, false]);
  });

  it("does not retire a credential whose refused token still worked for another request", async () => {
    const token = await working();
    for (const fresh of ["second", "third"]) {
      token.refused(token.token()!);
      answer = tokenAnswer(fresh);
      await token.renew(DIRECT);
    }
    token.accepted("second");
    token.refused("third");
    expect(token.retired).toBeNull();
  });

  it("says nothing about a token that was renewed meanwhile", async () => {
    const token = await working();
    answer = tokenAnswer("second");
    await token.renew(DIRECT);
    token.refused("first");
    expect([token.token(), token.retired]).toEqual(["second", null]);
    // Nor does a late answer to the old one vouch for the new one.
    token.accepted("first");
    expect(token.isProven).toBe(false);
  });
});

describe("no token", () => {
  it.each([
    ["401 JSON", json(401, { message: "Unauthorized", error: 401 }), "401 Unauthorized"],
    [
      "401 HTML",
      (response: http.ServerResponse) => void response.writeHead(401).end("<html>"),
      "401 unauthorized",
    ],
    ["400 JSON", json(400, { error: "invalid_grant" }), "400 invalid_grant"],
    ["200 with an error", json(200, { error: "unsupported_grant_type" }), "unsupported_grant_type"],
  ])("for wrong credentials retires: %s", async (_, how, reason) => {
    answer = how;
    const token = credential();
    expect(await token.renew(DIRECT)).toEqual({ kind: "refused", reason });
    expect(token.retired).toContain(`refused the client id of identity "main" (${reason}): check client_id`);
    expect(token.retired).not.toContain("s3cret");
    expect(token.needsRenewal(now)).toBe(false);
  });

  it("when throttled waits as long as the site says", async () => {
    answer = json(429, {}, { "retry-after": "7" });
    expect(await credential().renew(DIRECT)).toEqual({ kind: "throttled", retryAfterMs: 7_000 });
  });

  it.each([
    ["an outage", json(503, {}), /503/],
    ["an answer without a token", json(200, { token_type: "bearer" }), /access_token, expires_in/],
    ["a token without an end", json(200, { access_token: "s3cret" }), /expires_in/],
    ["a wrong URL", json(404, {}), /404 not_found: check REDDIT_TOKEN_URL/],
    [
      "a block page",
      (response: http.ServerResponse) => void response.writeHead(403).end("<title>Blocked"),
      /block page/,
    ],
    [
      "a broken body",
      (response: http.ServerResponse) => void response.end('{"access_token":"s3cret'),
      /broken JSON/,
    ],
  ])("for now: %s", async (_, how, reason) => {
    answer = how;
    const token = credential();
    const result = await token.renew(DIRECT);
    expect(result).toEqual({ kind: "failed", reason: expect.stringMatching(reason), viaProxy: false });
    expect(JSON.stringify(result)).not.toContain("s3cret");
    expect([token.retired, token.needsRenewal(now)]).toEqual([null, true]);
  });

  it("by a proxy's fault says so, whether it is dead, blocked, or brings no answer", async () => {
    const proxy = await startProxy();
    const live = { proxyUrl: `http://u:s3cret@127.0.0.1:${proxy.port}` };
    const dead = await credential().renew({ proxyUrl: `http://u:s3cret@127.0.0.1:${await closedPort()}` });
    answer = (response) => void response.writeHead(403).end("<title>Blocked");
    const blocked = await credential().renew(live);
    answer = () => {};
    const silent = await credential().renew(live);
    answer = json(503, {});
    const outage = await credential().renew(live);
    await proxy.close();
    expect([dead, blocked, silent]).toEqual(
      [/ECONNREFUSED/, /block page/, /timeout/].map((reason) => ({
        kind: "failed",
        reason: expect.stringMatching(reason),
        viaProxy: true,
        // Nobody was there.
        ...(reason.source === "ECONNREFUSED" && { isDeadEnd: true }),
      })),
    );
    expect(outage).toMatchObject({ kind: "failed", viaProxy: false });
    expect(JSON.stringify([dead, blocked, silent])).not.toContain("s3cret");
  });

  it("is a result even for a request that cannot be sent", async () => {
    const result = await credential({ userAgent: "naïve →" }).renew(DIRECT);
    expect(result).toMatchObject({ kind: "unsendable", reason: expect.stringMatching(/user-agent/i) });
  });
});
