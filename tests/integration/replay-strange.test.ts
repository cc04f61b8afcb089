import { brotliCompressSync, gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { json, listing, type Answer } from "./replay-server.ts";
import { crawlWorld, post, subreddit } from "./replay-world.ts";

/** What is legal, and what no Reddit does: somebody else's server may. */
const NAMES = ["one", "two"];
const names = async (of: (dataset: string) => Promise<Record<string, unknown>[]>) =>
  (await of("reddit_subreddits"))
    .map(({ name, availability }) => `${String(name)} ${String(availability)}`)
    .toSorted();

it.each<[string, Answer]>([
  ["a 404", json(404, { message: "Not Found", error: 404 })],
  ["a 400", json(400, { message: "Bad Request", error: 400 })],
  ["an empty listing", json(200, listing([]))],
  ["posts instead", json(200, listing([post("a", "one")]))],
])("asks for each subreddit where the call for all of them brings %s", async (_, answer) => {
  const { of, exitCode } = await crawlWorld(
    { subreddits: NAMES, listings: [{ sort: "hot" }] },
    ({ pathname }) => (pathname === "/api/info" ? answer : undefined),
  );
  expect(exitCode).toBe(0);
  expect(await names(of)).toEqual(["one ok", "two ok"]);
  expect(await of("reddit_posts")).toHaveLength(2);
});

it("an about that leads elsewhere says nothing about the subreddit, and its posts are kept", async () => {
  const { of, exitCode } = await crawlWorld(
    { subreddits: NAMES, listings: [{ sort: "hot" }] },
    ({ pathname }) =>
      pathname === "/r/one/about"
        ? { status: 302, headers: { location: "/r/One/about/.json" }, body: "" }
        : undefined,
  );
  expect(exitCode).toBe(0);
  expect(await names(of)).toEqual(["two ok"]);
  expect(await of("reddit_posts")).toHaveLength(2);
  expect(await of("failed_requests")).toMatchObject([{ outcome: "gone", reason: "redirect", status: 302 }]);
});

it("keeps more posts than it asked for, and those of the pages before one that is not there", async () => {
  const page = Array.from({ length: 300 }, (_, index) => post(`p${index}`, "one"));
  const { of } = await crawlWorld(
    { subreddits: NAMES, listings: [{ sort: "new", limit: 1000 }, { sort: "hot" }] },
    (url) => {
      if (url.pathname !== "/r/one/new") return undefined;
      return url.searchParams.has("after") ? json(404, { error: 404 }) : json(200, listing(page, "t3_p299"));
    },
  );
  expect(await of("reddit_posts")).toHaveLength(300 + 1 + 2);
  expect(await names(of)).toEqual(["one ok", "two ok"]);
  expect(await of("failed_requests")).toMatchObject([
    { outcome: "gone", reason: "not_found", subject: "r/one" },
  ]);
});

const text = JSON.stringify(subreddit("one"));
const TYPE = { "content-type": "application/json" };
it.each<[string, Answer]>([
  ["gzip", { status: 200, headers: { ...TYPE, "content-encoding": "gzip" }, body: gzipSync(text) }],
  ["brotli", { status: 200, headers: { ...TYPE, "Content-Encoding": "br" }, body: brotliCompressSync(text) }],
  ["a byte order mark", { status: 200, headers: TYPE, body: `\uFEFF${text}` }],
  ["no content type", { status: 200, body: text }],
  [
    "another charset's name",
    { status: 200, headers: { "CONTENT-TYPE": "application/json; charset=latin1" }, body: text },
  ],
  ["a connection that ends with it", { status: 200, headers: { ...TYPE, connection: "close" }, body: text }],
])("reads an answer with %s", async (_, answer) => {
  const { of } = await crawlWorld({ subreddits: ["one"] }, ({ pathname }) =>
    pathname === "/r/one/about" ? answer : undefined,
  );
  expect(await names(of)).toEqual(["one ok"]);
});

const window = (used: number, remaining: number, reset: number) => ({
  "x-ratelimit-used": String(used),
  "X-Ratelimit-Remaining": `${remaining}.0`,
  "x-ratelimit-reset": String(reset),
});

it("is not held up by window counters that jump about, while something is left", async () => {
  const counters = [window(497, 103, 105), window(555, 45, 41), window(1, 599, 586), window(2, 298, 514), {}];
  let answered = 0;
  const subreddits = Array.from({ length: 40 }, (_, index) => `sub${index}`);
  const { of, tookSecs } = await crawlWorld({ subreddits }, ({ pathname }) => {
    const name = /^\/r\/(\w+)\/about$/.exec(pathname)?.[1];
    return name === undefined
      ? undefined
      : json(200, subreddit(name), counters[answered++ % counters.length]);
  });
  expect(await of("reddit_subreddits")).toHaveLength(40);
  expect(tookSecs).toBeLessThan(20);
});

it("waits for the next window where nothing is left of this one", async () => {
  const { of, exitCode, tookSecs } = await crawlWorld({ subreddits: NAMES }, ({ pathname }) =>
    pathname === "/api/info" ? json(200, listing([]), window(600, 0, 2)) : undefined,
  );
  expect(exitCode).toBe(0);
  expect(tookSecs).toBeGreaterThan(1);
  expect(await names(of)).toEqual(["one ok", "two ok"]);
});
