import { globSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { describeConfig, readConfig } from "../../shared/config.ts";
import { renderEnvExample, renderReadme } from "../../shared/config-docs.ts";
import { InvalidInputError } from "../../shared/errors.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(path.join(ROOT, file), "utf8");

describe("readConfig", () => {
  it("has a default for every setting", () => {
    expect(readConfig({}, "none")).toMatchObject({ storageDir: "storage", maxStallSecs: 900, proxyUrls: [] });
  });

  it("takes an empty variable for an absent one", () => {
    expect(readConfig({ STORAGE_DIR: "" }, "none").storageDir).toBe("storage");
  });

  it("names every wrong value in one message", () => {
    const wrong = { MAX_STALL_SECS: "soon", REDDIT_API_URL: "oauth.reddit.com", LOG_LEVEL: "loud" };
    expect(() => readConfig(wrong, "none")).toThrow(InvalidInputError);
    expect(() => readConfig(wrong, "none")).toThrow(
      /LOG_LEVEL: .*"loud"[\s\S]*MAX_STALL_SECS: .*"soon"[\s\S]*REDDIT_API_URL: .*"oauth\.reddit\.com"/,
    );
  });

  it.each([
    [{ REDDIT_BUDGET_REQUESTS: "200000" }, 'REDDIT_BUDGET_REQUESTS: expected at most 100000, got "200000"'],
    [{ PORT: "-1" }, 'PORT: expected at least 0, got "-1"'],
    [{ PORT: "80.5" }, 'PORT: expected a whole number, got "80.5"'],
    [{ PORT: "http" }, 'PORT: expected a number, got "http"'],
    [{ ALERT_ERROR_RATE: "0" }, 'ALERT_ERROR_RATE: expected more than 0, got "0"'],
    [{ LOG_LEVEL: "loud" }, 'LOG_LEVEL: expected one of trace, debug, info, warn, error, silent, got "loud"'],
    [
      { INSTAGRAM_SOURCES: "api,app" },
      'INSTAGRAM_SOURCES: expected api, web or browser for entry 2, got "api,app"',
    ],
    [
      { ALERT_WEBHOOK_SECRET: "s" },
      "ALERT_WEBHOOK_SECRET: expected at least 16 characters, got a secret value",
    ],
  ])("says of %j what would be right", (env, mistake) => {
    expect(() => readConfig(env, "none")).toThrow(`invalid configuration:\n  ${mistake}`);
  });

  it("does not show a secret that is wrong", () => {
    const proxies = { PROXY_URLS: "socks5://me:hunter2@proxy:1" };
    expect(() => readConfig(proxies, "none")).toThrow(/PROXY_URLS: .*http/);
    expect(() => readConfig(proxies, "none")).not.toThrow(/hunter2/);
  });

  it("reads a .env file, and lets the environment win", () => {
    const file = path.join(mkdtempSync(path.join(os.tmpdir(), "b9-config-")), ".env");
    writeFileSync(file, "STORAGE_DIR=from-file\nMAX_STALL_SECS=5\n");
    expect(readConfig({ MAX_STALL_SECS: "7" }, file)).toMatchObject({
      storageDir: "from-file",
      maxStallSecs: 7,
    });
  });

  const readFile = (content: string | Uint8Array) => {
    const file = path.join(mkdtempSync(path.join(os.tmpdir(), "b9-config-")), ".env");
    writeFileSync(file, content);
    return readConfig({}, file);
  };

  it("reads a .env file of a Windows editor: a mark before it, lines that end with CR LF", () => {
    const content = '\ufeffPROXY_URLS=http://a:1\r\nMAX_STALL_SECS=3\r\n\r\nLOG_LEVEL="warn"\r\n';
    expect(readFile(content)).toMatchObject({
      proxyUrls: ["http://a:1"],
      maxStallSecs: 3,
      logLevel: "warn",
    });
  });

  it("takes no mark in the midst of a .env file for part of a name", () => {
    expect(readFile("STORAGE_DIR=a\n\ufeffMAX_STALL_SECS=3\n")).toMatchObject({ maxStallSecs: 3 });
  });

  it.each([
    ["UTF-16 with a mark", Buffer.from("\ufeffMAX_STALL_SECS=3\n", "utf16le"), /UTF-16; save it as UTF-8/],
    ["UTF-16 without one", Buffer.from("MAX_STALL_SECS=3\n", "utf16le"), /NUL characters, as UTF-16/],
    ["Latin-1", Buffer.from("# gr\u00fcn\nMAX_STALL_SECS=3\n", "latin1"), /not UTF-8/],
  ])("refuses a .env file in %s by name", (_, content, message) => {
    expect(() => readFile(content)).toThrow(InvalidInputError);
    expect(() => readFile(content)).toThrow(message);
    expect(() => readFile(content)).toThrow(/\.env: cannot be read/);
  });

  it("refuses a .env that is there and is no file", () => {
    expect(() => readConfig({}, os.tmpdir())).toThrow(/cannot be read: EISDIR/);
  });

  it.each([
    ["PROXY_URLS", "http://user:50%off@host:1"],
    ["PROXY_URLS", "http://50%:x@host:1"],
    ["PROXY_URLS", "http://user:%zz@host:1"],
    ["PROXY_URLS", "http://user:a%0d%0ab@host:1"],
    // A raw slash, question mark or hash in a password: the host would be another one.
    ["PROXY_URLS", "http://user:5/0@host:1"],
    ["PROXY_URLS", "http://user:5#0@host:1"],
    ["PROXY_URLS", "http://user:5?0@host:1"],
    ["PROXY_URLS", "socks5://host:1"],
    ["PROXY_URLS", "host:1"],
    ["PROXY_URLS", "http://host:99999"],
    ["PROXY_URLS", "http://host:0"],
    ["PROXY_URLS", "http://ho st:1"],
    ["PROXY_URLS", "http://ok:1,http://user:50%@host:1"],
    ["PROXY_URLS", ","],
    ["PROXY_URLS", " "],
    ["REDDIT_USER_AGENT", "linux:app:1 (by /u/me)\nx: y"],
    ["REDDIT_USER_AGENT", "linux:app \u2014 1"],
    ["REDDIT_USER_AGENT", "\u201clinux:app\u201d"],
    ["REDDIT_USER_AGENT", "linux:app:1\r"],
    ["REDDIT_CLIENT_ID", "id\t"],
    ["REDDIT_CLIENT_SECRET", "s\u00e9cret"],
    ["RAPIDAPI_KEY", "key\u2026"],
    ["RAPIDAPI_HOST", "host\nx: y"],
    ["INSTAGRAM_USER_AGENT", "M\u00f6zilla"],
    ["INSTAGRAM_APP_ID", "12\n"],
    ["API_TOKEN", "\u{1f511}\u{1f511}\u{1f511}\u{1f511}\u{1f511}\u{1f511}"],
    ["REDDIT_API_URL", "http://"],
    ["REDDIT_API_URL", "ftp://host"],
    ["REDDIT_API_URL", "https://me:hunter2@host"],
    ["REDDIT_API_URL", "https://host/?a=b"],
    ["REDDIT_TOKEN_URL", "https://host:port/token"],
    ["INSTAGRAM_WEB_URL", "https://host/#x"],
    ["CORS_ORIGINS", "https://host/path"],
    ["CORS_ORIGINS", "*"],
    ["DATABASE_URL", "postgres://u:p@h:99999/db"],
    ["DATABASE_URL", "mysql://h/db"],
    ["STORAGE_DIR", "storage\r"],
    ["WORKERS", " "],
    ["PORT", "65536"],
    ["MAX_STALL_SECS", "1e9"],
    ["MAX_STALL_SECS", "NaN"],
    ["REDDIT_BUDGET_SECS", "0"],
    ["WORKER_CLASSES", "http,gpu"],
    ["ALERT_WEBHOOK_URL", "example.com"],
  ])("refuses what cannot be used, by its name: %s=%j", (name, value) => {
    const readIt = () => readConfig({ [name]: value }, "none");
    expect(readIt).toThrow(InvalidInputError);
    expect(readIt).toThrow(new RegExp(`^invalid configuration:\n  ${name}: expected `));
    expect(readIt).not.toThrow(/hunter2|50%|\u2026/);
  });

  it("says which entry of a list cannot be used", () => {
    expect(() => readConfig({ PROXY_URLS: "http://a:1,b" }, "none")).toThrow(/an http\(s\) URL for entry 2,/);
  });

  it("takes what can be used as it stands", () => {
    const { proxyUrls, corsOrigins, redditApiUrl } = readConfig(
      {
        PROXY_URLS: "http://user:50%25off@host:1, https://user:p@ss@[::1]:8080/",
        CORS_ORIGINS: "https://HOST/",
        REDDIT_API_URL: "http://127.0.0.1:1/reddit ",
      },
      "none",
    );
    expect(proxyUrls).toEqual(["http://user:50%25off@host:1", "https://user:p@ss@[::1]:8080/"]);
    expect(corsOrigins).toEqual(["https://host"]);
    expect(redditApiUrl).toBe("http://127.0.0.1:1/reddit");
  });

  it("splits PROXY_URLS at commas", () => {
    const { proxyUrls } = readConfig({ PROXY_URLS: "http://a:1, http://b:2" }, "none");
    expect(proxyUrls).toEqual(["http://a:1", "http://b:2"]);
  });
});

describe("documentation of the settings", () => {
  it("is what `make docs` writes", () => {
    expect(read(".env.example")).toBe(renderEnvExample());
    expect(read("README.md")).toBe(renderReadme(read("README.md")));
  });

  it("lists no setting that nobody reads", () => {
    const files = globSync("{actors,server,shared,sandbox,bench}/**/*.ts", { cwd: ROOT }).filter(
      (file) => file !== "shared/config.ts",
    );
    const code = files.map(read).join("\n");
    const unread = describeConfig().filter(({ name }) => !new RegExp(`\\b${name}\\b`).test(code));
    expect(unread.map(({ env }) => env)).toEqual([]);
  });

  it("knows every variable that the code takes from the environment", () => {
    const files = globSync("{actors,server,shared,sandbox,bench}/**/*.ts", { cwd: ROOT });
    const readers = files.filter((file) => /process\.env\.\w|process\.env\[/.test(read(file)));
    expect(readers).toEqual([]);
  });
});
