import { describe, expect, it } from "vitest";
import { classify } from "../../../shared/crawl/classify.ts";
import type { HttpAnswer } from "../../../shared/crawl/http-client.ts";
import type { TransportFailure } from "../../../shared/crawl/transport-failure.ts";

const JSON_TYPE = "application/json; charset=UTF-8";

function answer(status: number, body: string, headers: Record<string, string> = {}): HttpAnswer {
  return {
    status,
    headers: { "content-type": body.startsWith("<") ? "text/html" : JSON_TYPE, ...headers },
    body: Buffer.from(body),
    url: "https://api.example/r/node/about?raw_json=1",
    answeredAt: Date.parse("2026-10-01T00:00:00Z"),
  };
}
const outcome = (...args: Parameters<typeof answer>) => classify(answer(...args), {});

describe("2xx", () => {
  it("is ok with JSON, integers beyond 2^53 exact", () => {
    expect(outcome(200, '{"id":3722942542216596724}')).toMatchObject({
      kind: "ok",
      status: 200,
      headers: { "content-type": JSON_TYPE },
      body: { id: "3722942542216596724" },
    });
    expect(outcome(202, "\ufeff []", { "content-type": "text/plain" })).toMatchObject({
      kind: "ok",
      body: [],
    });
  });

  it.each([
    ["", "empty body"],
    [" \n", "empty body"],
    ['{"kind":"Listing","data":{"captcha', "truncated or broken JSON"],
    ['[1,2,"network policy', "truncated or broken JSON"],
    ["<html><title>Reddit</title></html>", "HTML instead of JSON"],
    ["null", "text instead of JSON"],
    ["OK", "text instead of JSON"],
    [`${"[".repeat(200_000)}12345678901234567890${"]".repeat(200_000)}`, "truncated or broken JSON"],
  ])("is malformed with %.40s", (body, reason) => {
    expect(outcome(200, body)).toEqual({
      kind: "malformed",
      status: 200,
      reason,
      preview: body.slice(0, 200),
    });
  });

  it.each([
    ['<form><input name="js_challenge" value="1"/></form>', "JS challenge"],
    ["<title>Reddit - Please wait for verification</title>", "JS challenge"],
    ["<p>Your request has been blocked due to a network policy.</p>", "network policy"],
    ["You've been blocked by network security.", "network security"],
    ["<title>Blocked</title>", "block page"],
    ['<div class="g-recaptcha"></div>', "captcha"],
  ])("is blocked with %s", (body, reason) => {
    expect(outcome(200, body)).toEqual({ kind: "blocked", status: 200, reason });
  });

  it("cuts the preview to 200 characters, never through one, and hides secrets in it", () => {
    const broken = outcome(200, `{"access_token":"s3cret","x":"${"😀".repeat(200)}`);
    expect(broken).toHaveProperty("preview", expect.stringMatching(/^\{"access_token":"\*\*\*","x":"/));
    const { preview } = broken as { preview: string };
    expect(preview.length).toBeLessThanOrEqual(200);
    expect(preview.isWellFormed()).toBe(true);
  });
});

describe("a success that holds an error", () => {
  it.each([
    ['{"message":"Internal Server Error","error":500}', "serverError"],
    ['{"error":"503"}', "serverError"],
    ['{"message":"Too Many Requests","error":429}', "throttled"],
    ['{"message":"Not Found","error":404}', "malformed"],
    ['{"reason":"private","message":"Forbidden","error":403}', "malformed"],
  ])("is asked for again: %s", (body, kind) => {
    expect(outcome(200, body)).toMatchObject({ kind, status: 200 });
  });

  it("says what it holds, and how long to wait", () => {
    expect(outcome(200, '{"error":404}')).toMatchObject({
      reason: "404 Not Found in an answer of 200",
      preview: '{"error":404}',
    });
    const slow = outcome(200, '{"error":429,"message":"try again in 7 seconds"}');
    expect(slow).toMatchObject({ retryAfterMs: 7_000 });
  });

  it.each(['{"error":null}', '{"error":""}', '{"error":false}', '{"error":0}', '{"error":"none"}', "[500]"])(
    "is not one with %s",
    (body) => {
      expect(outcome(200, body)).toMatchObject({ kind: "ok" });
    },
  );
});

describe("text", () => {
  const bytes = (body: Buffer, type: string) =>
    classify({ ...answer(200, ""), headers: { "content-type": type }, body }, {});
  const text = '{"a":"é"}';

  it.each([
    ["text/html", Buffer.from(text)],
    ["application/json; charset=utf-8", Buffer.from(`\ufeff${text}`)],
    // UTF-8 whatever the header says, where it can be.
    ["application/json; charset=iso-8859-1", Buffer.from(text)],
    ["application/json; charset=iso-8859-1", Buffer.from(text, "latin1")],
    ['application/json; charset="utf-16le"', Buffer.from(text, "utf16le")],
    ["application/json", Buffer.from(`\ufeff${text}`, "utf16le")],
    ["application/json", Buffer.from(`\ufeff${text}`, "utf16le").swap16()],
    ["application/json; charset=none", Buffer.from(text)],
  ])("of type %s is read as it is meant", (type, body) => {
    expect(bytes(body, type)).toMatchObject({ kind: "ok", body: { a: "é" } });
  });

  it("in no charset that there is, is read as far as it goes", () => {
    const body = Buffer.from(text, "latin1");
    expect(bytes(body, "text/plain; charset=x-none")).toMatchObject({ kind: "ok", body: { a: "\ufffd" } });
  });
});

describe("redirects", () => {
  it("are gone, prove nothing, and carry an absolute location", () => {
    expect(outcome(301, "", { location: "/r/Node/about" })).toMatchObject({
      kind: "gone",
      reason: "redirect",
      availability: null,
      location: "https://api.example/r/Node/about",
    });
    expect(outcome(304, "")).not.toHaveProperty("location");
    expect(outcome(302, "", { location: "http://[broken" })).toMatchObject({
      kind: "gone",
      location: "http://[broken",
    });
  });

  it.each([
    "/login?dest=x",
    "https://api.example/account/login/",
    "/accounts/login/?next=x",
    "https://consent.example/?continue=s3cret",
    "/blocked",
    "/checkpoint/123",
  ])("to %s are blocked", (location) => {
    const blocked = outcome(302, "", { location });
    expect(blocked).toMatchObject({ kind: "blocked", status: 302 });
    expect(JSON.stringify(blocked)).not.toContain("s3cret");
  });

  it.each(["/r/login/about", "/user/blocked", "/logins"])("to %s are not", (location) => {
    expect(outcome(302, "", { location })).toMatchObject({ kind: "gone" });
  });

  it("mean what the site says", () => {
    const found = classify(answer(302, "", { location: "/login" }), {
      readRedirect: () => ({ reason: "not_found", availability: "not_found" }),
    });
    expect(found).toMatchObject({
      kind: "gone",
      availability: "not_found",
      location: "https://api.example/login",
    });
  });
});

describe("4xx", () => {
  it.each([
    [400, '{"reason":"BAD_ID","message":"Bad Request"}', "BAD_ID", null],
    [400, '{"message":"Bad Request","error":400}', "Bad Request", null],
    [400, '{"error":400}', "bad_request", null],
    [403, '{"reason":"INVALID_CSS","message":"Forbidden"}', "INVALID_CSS", null],
    [403, '{"message":"Forbidden","error":403}', "forbidden", null],
    [404, '{"message":"Not Found","error":404}', "not_found", "not_found"],
    [400, "<h1>400 Bad request</h1>\nYour browser sent an invalid request.", "bad_request", null],
    [400, "", "bad_request", null],
    [402, "", "payment_required", null],
    [409, '{"reason":"EDIT_CONFLICT"}', "conflict", null],
    [410, "<html>", "gone", null],
    [413, "", "payload_too_large", null],
    [414, "Error: URI Too Long", "uri_too_long", null],
    [415, "", "unsupported_media_type", null],
    [431, "<html>", "request_header_fields_too_large", null],
    [451, "", "unavailable_for_legal_reasons", null],
    [499, "", "status_499", null],
  ])("%i %s is gone: %s", (status, body, reason, availability) => {
    const json: unknown = body.startsWith("{") ? JSON.parse(body) : null;
    expect(outcome(status, body)).toMatchObject({ kind: "gone", status, reason, availability, body: json });
  });

  it("403 for a token without the scope says so", () => {
    const headers = { "www-authenticate": 'Bearer realm="reddit", error="insufficient_scope"' };
    expect(outcome(403, '{"error":403}', headers)).toMatchObject({
      kind: "gone",
      reason: "insufficient_scope",
    });
  });

  it.each([
    [400, '<div class="g-recaptcha"></div>', /captcha/],
    [403, "<html><title>Blocked</title>", /block page/],
    [403, "Request forbidden by administrative rules.", /administrative rules/],
    [403, "", /empty body/],
    [403, "forbidden http://user:s3cret@proxy", /forbidden http:\/\/user:\*\*\*@proxy/],
  ])("%i without JSON is blocked: %.60s", (status, body, reason) => {
    expect(outcome(status, body)).toEqual({ kind: "blocked", status, reason: expect.stringMatching(reason) });
  });

  it.each(["<html>Not found</html>", ""])("404 without JSON is malformed: %s", (body) => {
    expect(outcome(404, body)).toMatchObject({ kind: "malformed", status: 404, preview: body });
  });

  it.each([
    ['{"message":"Unauthorized","error":401}', {}, "Unauthorized"],
    ["<html>", {}, "unauthorized"],
    ["", { "www-authenticate": 'Bearer realm="reddit", error="invalid_token"' }, "invalid_token"],
  ])("401 is unauthorized, JSON or not: %s", (body, headers, reason) => {
    expect(outcome(401, body, headers)).toMatchObject({ kind: "unauthorized", status: 401, reason });
  });

  it("means what the site says, for JSON of 400, 403 and 404 alone", () => {
    const rules = { readFact: () => ({ reason: "x", availability: "private" }) as const };
    for (const status of [400, 403, 404]) {
      expect(classify(answer(status, "{}"), rules)).toMatchObject({ kind: "gone", availability: "private" });
    }
    expect(classify(answer(403, "<html>"), rules)).toMatchObject({ kind: "blocked" });
    expect(classify(answer(409, "{}"), rules)).toMatchObject({ kind: "gone", availability: null });
  });
});

describe("429 is throttled", () => {
  it.each([
    ["", { "retry-after": "7" }, 7_000],
    ["", { "retry-after": "Thu, 01 Oct 2026 00:01:00 GMT" }, 60_000],
    [
      '{"json":{"errors":[["RATELIMIT","try again in 3 minutes.","ratelimit"]]}}',
      { "retry-after": "0" },
      180_000,
    ],
    ["<h1>whoa there, pardner!</h1>", {}, null],
  ])("%.30s %o", (body, headers, retryAfterMs) => {
    expect(outcome(420, body, headers)).toMatchObject({ kind: "throttled", status: 420, retryAfterMs });
    expect(outcome(429, body, headers)).toMatchObject({ kind: "throttled", status: 429, retryAfterMs });
  });
});

it.each([408, 421, 425, 500, 502, 503, 504, 520, 522])(
  "%i is a server error, whatever the body",
  (status) => {
    for (const body of ["", '{"error":500}', "<title>Blocked</title>"]) {
      expect(outcome(status, body)).toMatchObject({
        kind: "serverError",
        status,
        reason: expect.stringContaining(`${status}`),
      });
    }
  },
);

function failure(fields: Partial<TransportFailure>) {
  return classify(
    { failure: "reset", message: "socket hang up", viaProxy: false, status: null, ...fields },
    {},
  );
}

describe("transport failures", () => {
  it("of the proxy are blocks of the identity", () => {
    const message = "proxy 127.0.0.1:1: connect ECONNREFUSED";
    expect(failure({ failure: "proxy", message, viaProxy: true })).toEqual({
      kind: "blocked",
      status: null,
      reason: message,
    });
  });

  it.each(["proxy", "refused", "dns"] as const)("before a request left say so: %s", (kind) => {
    expect(failure({ failure: kind, isCutOff: true })).toMatchObject({ status: null, isCutOff: true });
  });

  it("with too large a body are malformed", () => {
    expect(failure({ failure: "tooLarge", message: "body over 10 MB", status: 200 })).toEqual({
      kind: "malformed",
      status: 200,
      reason: "body over 10 MB",
      preview: "",
    });
  });

  it.each([
    "timeout",
    "reset",
    "refused",
    "unreachable",
    "dns",
    "tls",
    "badEncoding",
    "protocol",
    "aborted",
  ] as const)("of kind %s are server errors without a status", (kind) => {
    const reason = `${kind}: socket hang up`;
    expect(failure({ failure: kind, status: 200 })).toEqual({ kind: "serverError", status: null, reason });
  });

  it("say when they came through a proxy", () => {
    expect(failure({ viaProxy: true })).toMatchObject({ reason: "reset through the proxy: socket hang up" });
  });
});
