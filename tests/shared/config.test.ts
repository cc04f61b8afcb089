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
    [{ INSTAGRAM_SOURCES: "api,app" }, 'INSTAGRAM_SOURCES: expected api, web or browser, got "api,app"'],
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
