import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "./test-site.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

async function b9(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(path.join(ROOT, "b9"), args, {
    env: { PATH: process.env["PATH"]! },
    stdio: ["ignore", "pipe", "pipe"],
    cwd: await temporaryFolder(),
  });
  const [out, err] = [child.stdout.toArray(), child.stderr.toArray()];
  const [code] = (await once(child, "exit")) as [number];
  return { code, out: Buffer.concat(await out).toString(), err: Buffer.concat(await err).toString() };
}

describe("b9", () => {
  it.each(["", "crawl", "export", "sandbox", "bench", "bench throttle"])(
    "explains itself with --help: %s",
    async (command) => {
      const { code, out } = await b9(...command.split(" ").filter(Boolean), "--help");
      expect(code).toBe(0);
      expect(out).toMatch(/USAGE/);
    },
  );

  it("refuses an unknown option instead of ignoring it", async () => {
    const { code, err } = await b9("crawl", "reddit", "--resum");
    expect(code).toBe(2);
    expect(err).toMatch(/unknown option --resum; there are: .*--resume/);
  });

  it("names the actors that there are", async () => {
    const { code, err } = await b9("crawl", "redit");
    expect(code).toBe(2);
    expect(err).toMatch(/no actor "redit"; there are: .*reddit/);
  });

  it("says which command is missing", async () => {
    const { code, err } = await b9("crwl");
    expect(code).toBe(2);
    expect(err).toMatch(/crwl/);
  });

  it.each([
    ["{not json", /--input: expected JSON/],
    ["no-such-file.json", /--input: .*no file "no-such-file\.json"/],
  ])("says what is wrong with --input %s", async (input, message) => {
    const { code, err } = await b9("crawl", "reddit", "--input", input);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });

  it("says what is missing when there is no input at all", async () => {
    const { code, err } = await b9("crawl", "reddit");
    expect(code).toBe(2);
    expect(err).toMatch(/no input: .*--input.*INPUT\.json/);
  });

  it("says what is missing when there are no credentials", async () => {
    const { code, err } = await b9("crawl", "reddit", "--input", '{"subreddits":["node"]}');
    expect(code).toBe(2);
    expect(err).toMatch(/REDDIT_CLIENT_ID/);
  });
});

describe("b9 export", () => {
  let storage: string;
  beforeAll(async () => {
    storage = await temporaryFolder();
    const folder = path.join(storage, "datasets/reddit_posts");
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, "000000001.json"), '{"reddit_id":"a","title":"x, \\"y\\"\\nz"}');
    writeFileSync(
      path.join(folder, "000000002.json"),
      '{"reddit_id":"b","media":[{"url":"u"}],"spoiler":false,"poll":null}',
    );
  });
  const run = (...args: string[]) => b9("export", "reddit_posts", "--storage", storage, ...args);

  it("prints a line of JSON an item", async () => {
    const { out } = await run("--format", "jsonl");
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { reddit_id: string }).reddit_id),
    ).toEqual(["a", "b"]);
  });

  it("prints one JSON array", async () => {
    expect(JSON.parse((await run("--format", "json")).out)).toHaveLength(2);
  });

  it("prints CSV with the columns of all items, quoted as RFC 4180 says", async () => {
    const { out } = await run("--format", "csv");
    expect(out).toBe(
      'reddit_id,title,media,spoiler,poll\r\na,"x, ""y""\nz",,,\r\nb,,"[{""url"":""u""}]",false,\r\n',
    );
  });

  it("writes a file whole or not at all", async () => {
    const file = path.join(storage, "posts.json");
    expect((await run("--format", "json", "--out", file)).code).toBe(0);
    expect(JSON.parse(readFileSync(file, "utf8"))).toHaveLength(2);
    expect(readdirSync(storage).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("names the datasets and formats that there are", async () => {
    const { code, err } = await b9("export", "posts", "--storage", storage);
    expect([code, err]).toEqual([2, expect.stringMatching(/no dataset "posts".*reddit_posts/)]);
    expect((await run("--format", "xml")).err).toMatch(/--format: expected csv, jsonl, json, got "xml"/);
  });
});
