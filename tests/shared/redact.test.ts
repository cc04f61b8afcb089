import { describe, expect, it } from "vitest";
import { redact } from "../../shared/redact.ts";

describe("in text", () => {
  it.each([
    ["http://user:p4ss@proxy:8080/", "http://user:***@proxy:8080/"],
    ["https://user:p@4ss@proxy", "https://user:***@proxy"],
    ["http://:p4ss@proxy", "http://:***@proxy"],
    ["http://key123@proxy", "http://***@proxy"],
    ["http://a:p4ss@one:1,http://b:p4ss@two:2", "http://a:***@one:1,http://b:***@two:2"],
    ["GET /x?token=p4ss&a=1", "GET /x?token=***&a=1"],
    ["/x?a=1&api_key=p4ss", "/x?a=1&api_key=***"],
    ["refresh_token=p4ss&grant_type=x", "refresh_token=***&grant_type=x"],
    ['{"access_token": "p4ss", "token_type": "bearer"}', '{"access_token": "***", "token_type": "bearer"}'],
    ['"{\\"access_token\\":\\"p4ss\\",\\"a\\":1}"', '"{\\"access_token\\":\\"***\\",\\"a\\":1}"'],
    ["{ client_secret: 'p4ss' }", "{ client_secret: '***' }"],
    ['{"cookie":["a=p4ss; b=p4ss"]}', '{"cookie":["***"]}'],
    ["Authorization: Basic cDRzczpwNHNz\nHost: x", "Authorization: ***\nHost: x"],
    ["set-cookie: id=p4ss; Expires=Wed, 21 Oct", "set-cookie: ***"],
    ["X-RapidAPI-Key: p4ss", "X-RapidAPI-Key: ***"],
    ["sent bearer p4ss-abc.def", "sent bearer ***"],
    ["eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.p4ss", "***"],
  ])("hides the secret of %s", (text, redacted) => {
    expect(redact(text)).toBe(redacted);
    expect(redact(redacted)).toBe(redacted);
  });

  it.each([
    "https://www.reddit.com/r/node/comments/abc/title/?after=t3_abc#@x",
    'Bearer realm="reddit", error="invalid_token"',
    "basic authentication, bearer tokens",
    "REDDIT_CLIENT_SECRET: expected a string",
    "REDDIT_TOKEN_URL=https://www.reddit.com/api/v1/access_token",
    "mail to user@example.org at 12:30",
    '{"tokens": 12, "title": "secret: why cookies crumble"}',
  ])("leaves %s alone", (text) => {
    expect(redact(text)).toBe(text);
  });
});

describe("in objects", () => {
  it("hides fields by their name, at any depth", () => {
    const headers = {
      Authorization: "bearer p4ss",
      "set-cookie": ["a=p4ss"],
      "x-rapidapi-key": "p4ss",
      host: "x",
    };
    expect(redact({ request: { headers }, list: [{ apiKey: "p4ss", password: 1234 }] })).toEqual({
      request: { headers: { Authorization: "***", "set-cookie": "***", "x-rapidapi-key": "***", host: "x" } },
      list: [{ apiKey: "***", password: "***" }],
    });
  });

  it("keeps that a secret is absent, and what is no secret", () => {
    const value = {
      token: null,
      needsToken: true,
      client_secret: "",
      tokenUrl: "https://x/",
      at: new Date(0),
      n: 1,
    };
    expect(redact(value)).toEqual(value);
  });

  it("does not change the original", () => {
    const original = { token: "p4ss", nested: { url: "http://u:p4ss@x" } };
    redact(original);
    expect(original).toEqual({ token: "p4ss", nested: { url: "http://u:p4ss@x" } });
  });

  it("shows URLs without credentials, and only the size of bytes", () => {
    expect(redact([new URL("http://u:p4ss@x/"), Buffer.from("p4ss")])).toEqual([
      "http://u:***@x/",
      "[4 bytes]",
    ]);
  });

  it("ends at circles", () => {
    const circle: Record<string, unknown> = { token: "p4ss" };
    circle["self"] = circle;
    expect(redact(circle)).toEqual({ token: "***", self: "[circular]" });
  });
});

describe("in errors", () => {
  class CustomError extends Error {}

  it("hides secrets of message, stack, fields and causes, and keeps the class", () => {
    const cause = new AggregateError([new Error("http://u:p4ss@x")], "token=p4ss");
    const error = Object.assign(new CustomError("bearer p4ss-1234", { cause }), {
      code: "E1",
      options: { headers: { authorization: "p4ss" } },
    });
    const redacted = redact(error);
    expect(redacted).toBeInstanceOf(CustomError);
    expect(redacted).toMatchObject({
      message: "bearer ***",
      code: "E1",
      options: { headers: { authorization: "***" } },
    });
    expect(redacted.stack).toContain("redact.test.ts");
    expect(redacted.cause).toMatchObject({ message: "token=***" });
    const { errors } = redacted.cause as AggregateError;
    const texts = [redacted, redacted.cause as Error, ...errors].flatMap(({ message, stack }) => [
      message,
      stack,
    ]);
    expect(texts.join("\n")).not.toContain("p4ss");
  });
});
