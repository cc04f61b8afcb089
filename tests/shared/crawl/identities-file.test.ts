import { mkdtempSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../../shared/config.ts";
import { readIdentitySpecs } from "../../../shared/crawl/identities-file.ts";
import { InvalidInputError } from "../../../shared/errors.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "b9-identities-"));

function readSpecs(content: unknown, env: Record<string, string> = {}) {
  const file = path.join(folder, "identities.json");
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return readIdentitySpecs(readConfig({ ...env, IDENTITIES_FILE: file }, "no .env file"));
}

/** The lines of the error, its head only where it has no more. */
function mistakesOf(content: unknown): string[] {
  const error = captureError(() => readSpecs(content));
  expect(error).toBeInstanceOf(InvalidInputError);
  expect(error.message).not.toContain("s3cret");
  const [head, ...mistakes] = error.message.split("\n  ");
  return mistakes.length ? mistakes : [head!];
}

function captureError(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error("no mistake was found");
}

const main = { name: "main", user_agent: "linux:app:1.0 (by /u/me)" };

describe("without a file", () => {
  it("there is one identity, of the settings", () => {
    const env = {
      REDDIT_CLIENT_ID: "id",
      REDDIT_CLIENT_SECRET: "s3cret",
      REDDIT_USER_AGENT: "linux:app:1",
      PROXY_URLS: "http://a:1,http://b:2",
    };
    expect(readIdentitySpecs(readConfig(env, "no .env file"))).toEqual([
      {
        name: "default",
        clientId: "id",
        clientSecret: "s3cret",
        userAgent: "linux:app:1",
        proxies: ["http://a:1", "http://b:2"],
      },
    ]);
  });

  it("that one is anonymous and direct where nothing is set", () => {
    const [spec] = readIdentitySpecs(readConfig({}, "no .env file"));
    expect(spec).toMatchObject({ clientId: undefined, proxies: [] });
  });
});

describe("a file", () => {
  it("gives its identities, instead of those of the settings", () => {
    const full = {
      ...main,
      client_id: "id",
      client_secret: "s3cret",
      proxies: ["http://u:s3cret@host:8080"],
      budget_requests: 900,
      budget_secs: 600,
    };
    const specs = readSpecs({ reddit: [full, { ...main, name: "other" }] }, { REDDIT_CLIENT_ID: "unused" });
    expect(specs[0]).toEqual({
      name: "main",
      clientId: "id",
      clientSecret: "s3cret",
      userAgent: main.user_agent,
      proxies: ["http://u:s3cret@host:8080"],
      budgetRequests: 900,
      budgetSecs: 600,
    });
    expect(specs[1]).toMatchObject({
      name: "other",
      clientId: undefined,
      proxies: [],
      budgetRequests: undefined,
    });
  });

  it("never goes around PROXY_URLS, unless it says so", () => {
    const env = { PROXY_URLS: "http://a:1" };
    const specs = readSpecs({ reddit: [main, { ...main, name: "direct", proxies: [] }] }, env);
    expect(specs.map(({ proxies }) => proxies)).toEqual([["http://a:1"], []]);
  });

  it("names every mistake with field, value and what would be right, secrets hidden", () => {
    const mistakes = mistakesOf({
      reddit: [
        {
          ...main,
          client_id: "",
          client_secret: 5,
          proxies: ["http://ok:1", "socks5://u:s3cret@h"],
          budget_secs: 0,
        },
        { name: "main", user_agent: "naïve", clientId: "id" },
        { name: "x", client_secret: "s3cret", user_agent: "a" },
        { name: "y" },
      ],
    });
    expect(mistakes).toEqual([
      'reddit[0].client_id: expected printable ASCII characters, as a header has, got ""',
      "reddit[0].client_secret: expected a text, got a secret value",
      "reddit[0].proxies[1]: expected an http(s) URL, got a secret value",
      "reddit[0].budget_secs: expected at least 1, got 0",
      'reddit[1].user_agent: expected printable ASCII characters, as a header has, got "naïve"',
      "reddit[1].clientId: no such field; did you mean client_id?",
      "reddit[3].user_agent: is required; expected a text",
    ]);
  });

  it("names the entry that cannot be used: a proxy, a client id, a window", () => {
    const mistakes = mistakesOf({
      reddit: [
        {
          ...main,
          client_id: "id",
          client_secret: "",
          proxies: ["http://u:50%25@h:1", "http://u:s3cret%@h:1"],
        },
        { ...main, name: "other", client_id: "i\nd", client_secret: "s3cret\u2014", budget_secs: 1e9 },
      ],
    });
    expect(mistakes).toEqual([
      "reddit[0].proxies[1]: expected an http(s) URL with user and password percent-encoded; % is %25, got a secret value",
      'reddit[1].client_id: expected printable ASCII characters, as a header has, got "i\\nd"',
      "reddit[1].client_secret: expected printable ASCII characters, got a secret value",
      "reddit[1].budget_secs: expected at most 86400, got 1000000000",
    ]);
  });

  it("may begin with a byte order mark and end its lines with CR LF", () => {
    const text = JSON.stringify({ reddit: [main] }, null, 2).replaceAll("\n", "\r\n");
    expect(readSpecs(`\ufeff${text}`)).toMatchObject([{ name: "main" }]);
  });

  it("in UTF-16 is refused by name", () => {
    const file = path.join(folder, "utf16.json");
    writeFileSync(file, Buffer.from(`\ufeff${JSON.stringify({ reddit: [main] })}`, "utf16le"));
    const config = readConfig({ IDENTITIES_FILE: file }, "no .env file");
    expect(() => readIdentitySpecs(config)).toThrow(
      /utf16\.json: cannot be read \(it is UTF-16; save it as UTF-8\)/,
    );
  });

  it("refuses names that come twice, and secrets without a client id", () => {
    expect(mistakesOf({ reddit: [main, { ...main, client_secret: "s3cret" }] })).toEqual([
      'reddit[1].name: expected a name that no other identity has, got "main"',
      "reddit[1].client_id: expected one, for there is a client_secret, got nothing",
    ]);
  });

  it.each([
    [{}, /^reddit: is required; expected a list$/],
    [{ reddit: [] }, /^reddit: expected at least 1 entry, got 0$/],
    [{ reddit: [main], instagram: [] }, /^instagram: no such field; there are reddit$/],
    [[], /^the file: expected an object, got \[\]$/],
    [
      '{"reddit": [{"client_secret": "s3cret",}]}',
      /not JSON \(line 1 column 40\); expected a JSON file \{"reddit"/,
    ],
    ['{"reddit": [', /not JSON .*; expected a JSON file/],
  ])("refuses %j", (content, mistake) => {
    expect(mistakesOf(content)).toEqual([expect.stringMatching(mistake)]);
  });

  it("that cannot be read is a mistake too", () => {
    const config = readConfig({ IDENTITIES_FILE: path.join(folder, "missing.json") }, "no .env file");
    expect(() => readIdentitySpecs(config)).toThrow(InvalidInputError);
    expect(() => readIdentitySpecs(config)).toThrow(
      /missing\.json: cannot be read \(ENOENT\); expected a JSON file/,
    );
  });
});
