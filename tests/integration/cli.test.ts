import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "./test-site.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

interface Ended {
  code: number;
  out: string;
  err: string;
}

async function b9(...args: string[]): Promise<Ended> {
  return b9In(await temporaryFolder(), args);
}

async function b9In(
  cwd: string,
  args: string[],
  { env = {}, input = Buffer.alloc(0) }: { env?: Record<string, string>; input?: Buffer } = {},
): Promise<Ended> {
  const child = spawn(path.join(ROOT, "b9"), args, {
    env: { PATH: process.env["PATH"]!, ...env },
    stdio: ["pipe", "pipe", "pipe"],
    cwd,
  });
  child.stdin.on("error", () => undefined).end(input);
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

  describe("an input that somebody has written", () => {
    const text = JSON.stringify({ subreddits: ["node"], rules: "no" }, null, 2).replaceAll("\n", "\r\n");
    const INPUT = path.join("storage/key_value_stores/default/INPUT.json");
    const ways: [string, string[]][] = [
      ["a file", ["--input", "in.json"]],
      ["standard input", ["--input", "-"]],
      ["INPUT.json", []],
    ];
    async function crawl(args: string[], input: Buffer): Promise<Ended> {
      const cwd = await temporaryFolder();
      writeFileSync(path.join(cwd, "in.json"), input);
      mkdirSync(path.join(cwd, path.dirname(INPUT)), { recursive: true });
      writeFileSync(path.join(cwd, INPUT), input);
      return b9In(cwd, ["crawl", "reddit", ...args], { input });
    }

    it.each(ways)("may begin with a byte order mark: %s", async (_, args) => {
      // Read, and then refused for what is in it.
      const { code, err } = await crawl(args, Buffer.from(`\ufeff${text}`));
      expect([code, err]).toEqual([2, expect.stringMatching(/rules: expected true or false/)]);
    });

    it.each(ways)("is refused by name in UTF-16: %s", async (_, args) => {
      const { code, err } = await crawl(args, Buffer.from(`\ufeff${text}`, "utf16le"));
      expect([code, err]).toEqual([
        2,
        expect.stringMatching(/expected JSON: it is UTF-16; save it as UTF-8/),
      ]);
    });

    it("may be a text with a mark", async () => {
      expect((await b9("crawl", "reddit", "--input", `\ufeff${text}`)).err).toMatch(/rules: expected true/);
    });
  });

  it.each([
    ["reddit", "PROXY_URLS", "http://user:50%off@127.0.0.1:9"],
    ["instagram", "PROXY_URLS", "http://user:50%off@127.0.0.1:9"],
    ["reddit", "REDDIT_USER_AGENT", "linux:app \u2014 1"],
    ["instagram", "RAPIDAPI_KEY", "key\nx: y"],
  ])("%s does not start with a %s that cannot be sent", async (actor, name, value) => {
    const env = { REDDIT_CLIENT_ID: "id", RAPIDAPI_KEY: "key", [name]: value };
    const input = actor === "reddit" ? '{"subreddits":["node"]}' : '{"usernames":["nasa"]}';
    const { code, err } = await b9In(await temporaryFolder(), ["crawl", actor, "--input", input], { env });
    expect([code, err]).toEqual([2, expect.stringContaining(`${name}: expected`)]);
    expect(err).not.toMatch(/50%off|x: y/);
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

  it("writes CSV that opens right in Excel, and defuses formulas", async () => {
    const folder = await temporaryFolder();
    mkdirSync(path.join(folder, "datasets/reddit_users"), { recursive: true });
    const item = { username: "=1+1", karma: -5, "@about": "a\u001b]0;x\u0007;b" };
    writeFileSync(path.join(folder, "datasets/reddit_users/000000001.json"), JSON.stringify(item));
    const file = path.join(folder, "users.csv");
    const save = async (...args: string[]) => {
      const all = ["export", "reddit_users", "--storage", folder, "--format", "csv", "--out", file];
      expect((await b9(...all, ...args)).err).toBe("");
      return readFileSync(file, "utf8");
    };
    expect(await save()).toBe(`\ufeffusername,karma,'@about\r\n'=1+1,-5,"a\u001b]0;x\u0007;b"\r\n`);
    expect(await save("--no-bom", "--raw", "--delimiter", "|")).toBe(
      `username|karma|@about\r\n=1+1|-5|"a\u001b]0;x\u0007;b"\r\n`,
    );
    const { out } = await b9("export", "reddit_users", "--storage", folder, "--format", "csv");
    expect(out).toBe(`username,karma,'@about\r\n'=1+1,-5,"a;b"\r\n`);
    for (const delimiter of ['"', "", ";;", "\n"]) {
      const refused = await b9("export", "reddit_users", "--storage", folder, `--delimiter=${delimiter}`);
      expect([refused.code, refused.err]).toEqual([2, expect.stringMatching(/^--delimiter: expected one/)]);
    }
  });

  it.each([
    ["is empty", "", /the file is empty/],
    ["is torn", '{"reddit_id":"b","ti', /JSON/],
    ["is full of zeros, as after a power cut", "\0".repeat(20), /JSON/],
    ["is no object", "[1]", /expected a JSON object, got \[1\]/],
    ["is null", "null", /expected a JSON object, got null/],
    ["is a folder", null, /EISDIR/],
  ])("names an item file that %s, in one line", async (_, content, reason) => {
    const folder = await temporaryFolder();
    const dataset = path.join(folder, "datasets/reddit_posts");
    mkdirSync(dataset, { recursive: true });
    writeFileSync(path.join(dataset, "000000001.json"), '{"reddit_id":"a"}');
    const file = path.join(dataset, "000000002.json");
    if (content === null) mkdirSync(file);
    else writeFileSync(file, content);
    const { code, err } = await b9("export", "reddit_posts", "--storage", folder, "--format", "csv");
    expect(code).toBe(1);
    expect(err).toMatch(/^.*000000002\.json is not an item: .*\n$/);
    expect(err).toMatch(reason);
  });

  it("lists the datasets that there are, with their items", async () => {
    expect((await b9("export", "--storage", storage)).out).toMatch(/^reddit_posts +2$/m);
  });

  it("names the datasets and formats that there are", async () => {
    const { code, err } = await b9("export", "posts", "--storage", storage);
    expect([code, err]).toEqual([2, expect.stringMatching(/no dataset "posts".*reddit_posts \(2\)/)]);
    expect(await b9("export", "posts", "--storage", `${storage}/none`)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^there is no storage folder .*\n$/),
    });
    expect((await run("--format", "xml")).err).toMatch(/--format: expected csv, jsonl, json, got "xml"/);
  });
});
