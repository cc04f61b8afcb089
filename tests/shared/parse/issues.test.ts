import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { formatIssue, type IssueOptions, parseValue } from "../../../shared/parse/issues.ts";

const mistakes = (schema: z.ZodType, raw: unknown, options: Partial<IssueOptions> = {}): string[] => {
  const parsed = parseValue(schema, raw, { whole: "input", ...options });
  return parsed.success ? [] : parsed.issues.map(formatIssue);
};

const text = (length: number) => "x".repeat(length);

describe("a mistake is a path, what would be right, and what was given", () => {
  it.each<[z.ZodType, unknown, string]>([
    [z.int().max(100_000), 200_000, "expected at most 100000, got 200000"],
    [z.int().min(0), -1, "expected at least 0, got -1"],
    [z.number().positive(), 0, "expected more than 0, got 0"],
    [z.number().lt(1), 1, "expected less than 1, got 1"],
    [z.coerce.number().int().max(1000), "2000", 'expected at most 1000, got "2000"'],
    [z.coerce.number(), "lots", 'expected a number, got "lots"'],
    [z.number(), Number.NaN, "expected a number, got NaN"],
    [z.number(), Number.POSITIVE_INFINITY, "expected a number, got Infinity"],
    [z.int(), 1.5, "expected a whole number, got 1.5"],
    [z.int(), 2 ** 53, "expected at most 9007199254740991, got 9007199254740992"],
    [z.bigint().min(5n), 1n, "expected at least 5, got 1"],
    [z.number().multipleOf(5), 7, "expected a multiple of 5, got 7"],
    [z.string().min(1), "", 'expected at least 1 character, got ""'],
    [z.string().max(3), "long", 'expected at most 3 characters, got "long"'],
    [z.string().max(100), text(5_000), "expected at most 100 characters, got 5000"],
    [z.string().length(2), "a", 'expected exactly 2 characters, got "a"'],
    [z.array(z.string()).min(1), [], "expected at least 1 entry, got 0"],
    [z.array(z.string()).max(2), ["a", "b", "c"], "expected at most 2 entries, got 3"],
    [z.tuple([z.string()]), ["a", "b"], "expected at most 1 entry, got 2"],
    [
      z.date().min(new Date("2026-01-01")),
      new Date("2025-01-01"),
      "expected a date not before 2026-01-01T00:00:00.000Z, got 2025-01-01T00:00:00.000Z",
    ],
    [
      z.date().max(new Date("2026-01-01")),
      new Date("2027-01-01"),
      "expected a date not after 2026-01-01T00:00:00.000Z, got 2027-01-01T00:00:00.000Z",
    ],
    [z.date(), new Date("soon"), "expected a date, got no date"],
    [z.url(), "nowhere", 'expected a URL, got "nowhere"'],
    [z.email(), "me", 'expected an email address, got "me"'],
    [z.iso.datetime(), "soon", 'expected a date with its time, as 2026-01-31T12:00:00Z, got "soon"'],
    [z.iso.date(), "soon", 'expected a date, as 2026-01-31, got "soon"'],
    [z.uuid(), "1", 'expected a UUID, got "1"'],
    [z.ipv4(), "1", 'expected an IPv4 address, got "1"'],
    [z.string().regex(/^\d+$/), "x", 'expected a text that matches /^\\d+$/, got "x"'],
    [z.string().startsWith("r/"), "x", 'expected a text that begins with "r/", got "x"'],
    [z.string().endsWith("r/"), "x", 'expected a text that ends with "r/", got "x"'],
    [z.string().includes("r/"), "x", 'expected a text with "r/" in it, got "x"'],
    [z.string(), null, "expected a text, got null"],
    [z.string(), 5, "expected a text, got 5"],
    [z.boolean(), "yes", 'expected true or false, got "yes"'],
    [z.array(z.string()), {}, "expected a list, got {}"],
    [z.strictObject({}), "x", 'expected an object, got "x"'],
    [z.record(z.string(), z.string()), [], "expected an object, got []"],
    [z.null(), 1, "expected null, got 1"],
    [z.never(), 1, "expected nothing, got 1"],
    [z.enum(["hot", "new"]), "best", 'expected one of hot, new, got "best"'],
    [z.literal("all"), "some", 'expected all, got "some"'],
    [z.union([z.string(), z.int()]), true, "expected a text or a number, got true"],
    [z.union([z.string(), z.strictObject({})]), 1, "expected a text or an object, got 1"],
    [z.string().refine(() => false), "x", 'expected another value, got "x"'],
    [z.string().refine(() => false, "expected a name"), "x", 'expected a name, got "x"'],
    [z.string().refine(() => false, "a name"), "x", 'expected a name, got "x"'],
  ])("%#: %s", (schema, raw, message) => {
    expect(mistakes(schema, raw)).toEqual([`input: ${message}`]);
    expect(mistakes(z.object({ posts: schema }), { posts: raw })).toEqual([`posts: ${message}`]);
  });

  it("without a word of zod's own", () => {
    const schemas = [
      z.stringbool(),
      z.jwt(),
      z.base64(),
      z.emoji(),
      z.cuid2(),
      z.iso.duration(),
      z.map(z.string(), z.int()),
      z.xor([z.string(), z.string()]),
    ];
    for (const schema of schemas)
      expect(mistakes(schema, "\0")[0]).toMatch(/^input: expected (?!.*(?:Invalid|received|Too))/);
  });

  it("what is missing is required", () => {
    const schema = z.object({
      id: z.string(),
      kind: z.enum(["a", "b"]),
      names: z.array(z.string(), "expected a list of names"),
      either: z.union([z.string(), z.int()]),
      page: z.coerce.number(),
    });
    expect(mistakes(schema, {})).toEqual([
      "id: is required; expected a text",
      "kind: is required; expected one of a, b",
      "names: is required; expected a list of names",
      "either: is required; expected a text or a number",
      "page: is required; expected a number",
    ]);
    expect(mistakes(schema, undefined)).toEqual(["input: is required; expected an object"]);
  });

  it("what a field of the prototype's name lacks is missing", () => {
    expect(mistakes(z.object({ toString: z.string() }), {})).toEqual([
      "toString: is required; expected a text",
    ]);
  });

  it("of a list in a text the text is shown", () => {
    const list = z
      .string()
      .transform((given) => given.split(","))
      .pipe(z.array(z.enum(["a", "b"])));
    expect(mistakes(z.object({ tags: list }), { tags: "a,c,d" })).toEqual([
      'tags: expected one of a, b for entry 2, got "a,c,d"',
      'tags: expected one of a, b for entry 3, got "a,c,d"',
    ]);
  });
});

it("no other place puts zod's problems into words", () => {
  const root = path.resolve(import.meta.dirname, "../../..");
  const files = globSync("{actors,server,shared,bench}/**/*.ts", { cwd: root });
  const words = /\.error\.issues|(?:prettify|treeify|flatten|format)Error\(/;
  const zod = /from "zod"/;
  const others = files.filter((file) => {
    const code = readFileSync(path.join(root, file), "utf8");
    return zod.test(code) && words.test(code);
  });
  expect(others).toEqual(["shared/parse/issues.ts"]);
});

describe("fields that do not exist", () => {
  const Page = z.strictObject({ sort: z.string().optional(), max_items: z.int().optional() });
  const schema = z
    .strictObject({
      pages: z.array(z.preprocess((page) => page, Page)).optional(),
      byName: z.record(z.string(), Page).optional(),
      either: z.union([z.string(), Page]).optional(),
    })
    .transform((input) => input);

  it.each<[unknown, string]>([
    [{ pagse: [] }, "pagse: no such field; did you mean pages?"],
    [{ pages: [{ maxItems: 1 }] }, "pages[0].maxItems: no such field; did you mean max_items?"],
    [{ byName: { a: { srt: "" } } }, "byName.a.srt: no such field; did you mean sort?"],
    [{ either: { Sort: "" } }, "either.Sort: no such field; did you mean sort?"],
    [{ zebra: 1 }, "zebra: no such field; there are pages, byName, either"],
    [{ "\u001B[2J": 1 }, '"\\u001b[2J": no such field; there are pages, byName, either'],
    [{ "\u009B2J": 1 }, '"\\u009b2J": no such field; there are pages, byName, either'],
  ])("%j", (raw, mistake) => {
    expect(mistakes(schema, raw)).toEqual([mistake]);
  });

  it("can have words of their own", () => {
    expect(mistakes(schema, { due: 1 }, { unknownFields: { due: "the server knows" } })).toEqual([
      "due: the server knows",
    ]);
  });
});

describe("a union", () => {
  it("tells the mistake within the member that was meant", () => {
    const schema = z.object({ search: z.union([z.string(), z.object({ limit: z.int().max(5) })]) });
    expect(mistakes(schema, { search: { limit: 9 } })).toEqual(["search.limit: expected at most 5, got 9"]);
  });

  it("names the values of its discriminator", () => {
    const schema = z.discriminatedUnion("type", [
      z.object({ type: z.literal("run") }),
      z.object({ type: z.literal("task") }),
    ]);
    expect(mistakes(schema, { type: "job" })).toEqual(['type: expected one of run, task, got "job"']);
    expect(mistakes(schema, {})).toEqual(["type: is required; expected one of run, task"]);
  });
});

describe("what is told", () => {
  it("is 20 mistakes, and the number of the others", () => {
    const raw = Array.from({ length: 2_000 }, () => "no name!");
    const lines = mistakes(z.array(z.string().regex(/^\w+$/)), raw);
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe("and 1,980 more");
    const fields = Object.fromEntries(raw.map((_, index) => [`f${index}`, 1]));
    expect(mistakes(z.strictObject({}), fields).at(-1)).toBe("and 1,980 more");
  });

  it("leaves out what is meant to be so", () => {
    const schema = z.strictObject({ names: z.array(z.string()), page: z.int() });
    const isMeant = ([name]: readonly PropertyKey[]) => name !== "names" && name !== "due";
    expect(mistakes(schema, { page: "x", due: 1, x: 1 }, { isMeant })).toEqual([
      'page: expected a number, got "x"',
      "x: no such field; there are names, page",
    ]);
  });

  it("is short, whatever was given", () => {
    const deep = JSON.parse(`${"[".repeat(2_000)}${"]".repeat(2_000)}`) as unknown;
    const raws = [
      text(8_000_000),
      { [text(8_000_000)]: text(8_000_000) },
      Array.from({ length: 1e6 }, () => deep),
    ];
    for (const raw of raws) {
      expect(mistakes(z.null(), raw)[0]!.length).toBeLessThan(200);
      expect(mistakes(z.strictObject({}), raw)[0]!.length).toBeLessThan(300);
    }
  });

  it("has no control characters", () => {
    expect(mistakes(z.null(), "\u001B[2J\u009B\u202E")).toEqual([
      'input: expected null, got "\\u001b[2J\\u009b\\u202e"',
    ]);
  });

  it("has no secrets", () => {
    const schema = z.object({
      client_secret: z.string(),
      proxies: z.array(z.int()),
      apiKey: z.int(),
      client: z.string(),
      url: z.int(),
    });
    const lines = mistakes(
      schema,
      {
        client_secret: 51_423,
        proxies: ["http://u:hunter2@h"],
        apiKey: "hunter2",
        client: { name: "me", password: "hunter2" },
        url: "http://me:hunter2@host/",
      },
      { secrets: new Set(["proxies"]) },
    );
    expect(lines).toHaveLength(5);
    expect(lines.join("\n")).not.toMatch(/hunter2|51423/);
    expect(lines[0]).toBe("client_secret: expected a text, got a secret value");
    expect(mistakes(z.int(), "hunter2", { whole: "API_TOKEN", isSecret: true })).toEqual([
      "API_TOKEN: expected a number, got a secret value",
    ]);
  });

  it("is the kind of a value alone where the values stay out", () => {
    const schema = z.object({ a: z.string(), b: z.int(), c: z.null(), d: z.string() });
    const raw = { a: 1, b: "private", c: ["private"], d: null };
    expect(mistakes(schema, raw, { showsValues: false })).toEqual([
      "a: expected a text, got a number",
      "b: expected a number, got a text",
      "c: expected null, got a list",
      "d: expected a text, got null",
    ]);
  });
});
