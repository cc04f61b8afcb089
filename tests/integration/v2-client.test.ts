import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { text as readText } from "node:stream/consumers";
import { ApifyClient } from "apify-client";
import { ApifyClient as ApifyClient217 } from "apify-client-2.17";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Database } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer, TOKEN } from "./server-test-server.ts";
import { handWorker, line } from "./v2-hand.ts";

let cluster: TestCluster;
let database: Database;
let server: TestServer;
let hand: ReturnType<typeof handWorker>;

beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase({ maxConnections: 10 });
  server = await startTestServer(database, { WORKERS: "0" });
  hand = handWorker(database);
});
afterAll(async () => {
  await server.close();
  await cluster.stop();
});

const INPUT = { subreddits: ["node"] };

type CreateClient = (options: { baseUrl: string; token: string }) => ApifyClient;

const clients: [string, CreateClient, { isLatest: boolean }][] = [
  ["2.25", (options) => new ApifyClient(options), { isLatest: true }],
  // Has no lists that can be iterated, streams no log while it calls, and lacks some methods and options.
  ["2.17", (options) => new ApifyClient217(options) as unknown as ApifyClient, { isLatest: false }],
];

describe.each(clients)("apify-client %s", (_, create, { isLatest }) => {
  let client: ApifyClient;
  beforeAll(() => {
    client = create({ baseUrl: server.url, token: TOKEN });
  });

  /** Answered requests of a route. */
  const requestsTo = (route: string) =>
    server.lines.filter((entry) => entry["msg"] === "request" && entry["route"] === route).length;

  async function start(): Promise<string> {
    return (await client.actor("reddit").start(INPUT)).id;
  }

  describe("actors", () => {
    it("are listed, and found by every form of their id", async () => {
      const { items, total } = await client.actors().list({ my: true, desc: true, limit: 10 });
      expect(items.map(({ name }) => name)).toContain("reddit");
      expect(total).toBe(items.length);
      for (const id of ["reddit", "~reddit", "me/reddit", "someone/reddit"])
        expect(await client.actor(id).get()).toMatchObject({ id: "reddit", title: "Reddit" });
      expect(await client.actor("unknown").get()).toBeUndefined();
    });

    it("have one build, with the schema of their input", async () => {
      const build = await (await client.actor("reddit").defaultBuild()).get();
      expect(build).toMatchObject({ actId: "reddit", status: "SUCCEEDED" });
      expect(JSON.parse(build!.inputSchema!)).toHaveProperty("properties.subreddits");
      expect((await client.actor("reddit").builds().list()).items).toHaveLength(1);
    });

    it("say what is wrong with an input, field by field", async () => {
      const wrong = client.actor("reddit").start({ subreddits: "node", max_posts: -1 });
      await expect(wrong).rejects.toMatchObject({ statusCode: 400, type: "invalid-input" });
      await expect(wrong).rejects.toThrow(/subreddits.*max_posts|max_posts.*subreddits/s);
    });

    it.runIf(isLatest)("check an input without a run", async () => {
      expect(await client.actor("reddit").validateInput(INPUT)).toBe(true);
      const wrong = client.actor("reddit").validateInput({ subreddits: 5 });
      await expect(wrong).rejects.toMatchObject({ statusCode: 400, type: "invalid-input" });
    });

    it("that are not there cannot be started", async () => {
      await expect(client.actor("unknown").start({})).rejects.toMatchObject({ statusCode: 404 });
    });
  });

  describe("runs", () => {
    it("are started with their input and options", async () => {
      const run = await client.actor("me/reddit").start(INPUT, { memory: 512, timeout: 90, maxItems: 7 });
      expect(run).toMatchObject({
        actId: "reddit",
        status: "READY",
        startedAt: expect.any(Date),
        options: { memoryMbytes: 512, timeoutSecs: 90, maxItems: 7 },
        defaultDatasetId: `${run.id}-reddit_posts`,
        defaultKeyValueStoreId: run.id,
        meta: { origin: "API" },
        attempt: 0,
        worker: null,
        progress: {},
      });
      expect(run.storageIds!.datasets).toMatchObject({ reddit_users: `${run.id}-reddit_users` });
      expect((await client.run(run.id).keyValueStore().getRecord("INPUT"))!.value).toEqual(INPUT);
    });

    it("are listed by status, newest first", async () => {
      const ids = [await start(), await start(), await start()];
      const page = await client.actor("reddit").runs().list({ desc: true, limit: 3, status: "READY" });
      expect(page.items.map(({ id }) => id)).toEqual(ids.toReversed());
      const { items, total } = await client.runs().list({ limit: 1, offset: 0, desc: false });
      expect(items[0]!.startedAt).toBeInstanceOf(Date);
      expect(total).toBeGreaterThanOrEqual(3);
    });

    it.runIf(isLatest)("are listed by their start", async () => {
      const future = { startedAfter: new Date(Date.now() + 60_000) };
      expect((await client.runs().list(future)).items).toEqual([]);
      const past = { startedAfter: "2026-01-01T00:00:00.000Z", startedBefore: new Date(Date.now() + 60_000) };
      expect((await client.runs().list(past)).total).toBeGreaterThan(0);
    });

    it.runIf(isLatest)("are iterated, page by page", async () => {
      const ids = [await start(), await start()];
      const listed: string[] = [];
      const options = { desc: true, limit: 2, status: ["READY" as const, "RUNNING" as const] };
      for await (const run of client.actor("reddit").runs().list(options)) listed.push(run.id);
      expect(listed).toEqual(ids.toReversed());
    });

    it("are waited for by one request that is held", async () => {
      const id = await start();
      await hand.lease(id);
      const before = requestsTo("/v2/actor-runs/:runId");
      const waiting = client.run(id).waitForFinish();
      setTimeout(() => void hand.finish(id, "SUCCEEDED", "all done"), 1_000);
      expect(await waiting).toMatchObject({ status: "SUCCEEDED", statusMessage: "all done", exitCode: 0 });
      expect(requestsTo("/v2/actor-runs/:runId") - before).toBe(1);
    });

    it("are given back as they are when the time to wait is over", async () => {
      const id = await start();
      expect(await client.run(id).waitForFinish({ waitSecs: 1 })).toMatchObject({ status: "READY" });
      expect(await client.run(id).get({ waitForFinish: 0 })).toMatchObject({ status: "READY" });
    });

    /** Calls the actor; the run is there, and nobody works on it yet. */
    async function call() {
      const newest = async () => (await client.runs().list({ desc: true, limit: 1 })).items[0]!.id;
      const before = await newest();
      const calling = client.actor("reddit").call(INPUT);
      await vi.waitFor(async () => expect(await newest()).not.toBe(before));
      return { id: await newest(), calling };
    }

    // The newest one streams their log besides: below.
    it.runIf(!isLatest)("are called, which ends with them", async () => {
      const { id, calling } = await call();
      await hand.lease(id);
      await hand.log(id, line(1, "first"));
      await hand.finish(id, "FAILED", "no luck");
      expect(await calling).toMatchObject({ id, status: "FAILED", statusMessage: "no luck" });
    });

    it.runIf(isLatest)("have their log streamed while they are called, and the stream ends", async () => {
      const printed = vi.spyOn(console, "log").mockImplementation(() => undefined);
      const text = () => printed.mock.calls.join("\n");
      try {
        const { id, calling } = await call();
        await hand.lease(id);
        await hand.log(id, line(1, "first") + line(2, "second"));
        await vi.waitFor(() => expect(text()).toContain("second"), { timeout: 5_000 });
        await hand.log(id, line(3, "third\n    of two lines"));
        await hand.finish(id, "SUCCEEDED");
        expect(await calling).toMatchObject({ id, status: "SUCCEEDED" });
        expect(text()).toMatch(/12:00:01.000Z INFO {2}first\n.*second\n.*third\n {4}of two lines/);
      } finally {
        printed.mockRestore();
      }
    });

    it("are aborted, resurrected, and removed when they are over", async () => {
      const id = await start();
      await hand.lease(id);
      expect(await client.run(id).abort({ gracefully: true })).toMatchObject({ status: "ABORTING" });
      await expect(client.run(id).delete()).rejects.toMatchObject({ type: "cannot-remove-running-run" });
      await expect(client.run(id).resurrect()).rejects.toMatchObject({ statusCode: 400 });
      await hand.finish(id, "SUCCEEDED");
      expect(await client.run(id).get()).toMatchObject({ status: "ABORTED" });
      expect(await client.run(id).abort()).toMatchObject({ status: "ABORTED" });
      const resurrected = await client.run(id).resurrect({ timeout: 60 });
      expect(resurrected).toMatchObject({ status: "READY", options: { timeoutSecs: 60 } });
      expect(resurrected.stats.resurrectCount).toBe(1);
      await client.run(id).abort();
      await client.run(id).delete();
      expect(await client.run(id).get()).toBeUndefined();
      await client.run(id).delete();
    });

    it("have a status message that can be set", async () => {
      const id = await start();
      const updated = await client
        .run(id)
        .update({ statusMessage: "half way", isStatusMessageTerminal: true });
      expect(updated).toMatchObject({ statusMessage: "half way", isStatusMessageTerminal: true });
    });

    it("are reached as the last one of their actor, with all that is theirs", async () => {
      const id = await start();
      await hand.lease(id);
      await hand.push(id, "reddit_posts", [{ reddit_id: "t3_a" }]);
      await hand.log(id, line(1, "the last one"));
      const last = client.actor("reddit").lastRun({ status: "RUNNING" });
      expect(await last.get()).toMatchObject({ id });
      expect((await last.dataset().listItems()).items).toEqual([{ reddit_id: "t3_a" }]);
      expect(await last.dataset().get()).toMatchObject({ itemCount: 1, title: "reddit_posts" });
      expect((await last.keyValueStore().getRecord("INPUT"))!.value).toEqual(INPUT);
      expect(await last.log().get()).toBe(line(1, "the last one"));
      await hand.finish(id, "FAILED");
      expect(await client.actor("reddit").lastRun({ status: "TIMED-OUT" }).get()).toBeUndefined();
    });

    it("that are not there are undefined, and so is what belongs to them", async () => {
      expect(await client.run("unknown").get()).toBeUndefined();
      expect(await client.run("unknown").log().get()).toBeUndefined();
      expect(await client.dataset("unknown").get()).toBeUndefined();
      expect(await client.dataset("unknown").getStatistics()).toBeUndefined();
      expect(await client.keyValueStore("unknown").get()).toBeUndefined();
      expect(await client.keyValueStore("unknown").getRecord("INPUT")).toBeUndefined();
      expect(await client.keyValueStore("unknown").recordExists("INPUT")).toBe(false);
      expect(await client.requestQueue("unknown").get()).toBeUndefined();
    });
  });

  describe("logs", () => {
    it("come whole, and without colours unless raw", async () => {
      const id = await start();
      await hand.log(id, line(1, "\u001b[32mgreen\u001b[39m ü") + line(2, "second"));
      expect(await client.log(id).get()).toBe(line(1, "green ü") + line(2, "second"));
      const raw = await server.request(`/v2/logs/${id}?raw=1&download=1`);
      expect(await raw.text()).toContain("\u001b[32m");
      expect(raw.headers.get("content-disposition")).toBe(`attachment; filename="${id}.log"`);
    });

    it("are streamed until the run ends", async () => {
      const id = await start();
      await hand.lease(id);
      await hand.log(id, line(1, "first"));
      const stream = (await client.log(id).stream())!;
      setTimeout(async () => {
        await hand.log(id, line(2, "second"));
        await hand.finish(id, "SUCCEEDED");
      }, 300);
      expect(await readText(stream)).toBe(line(1, "first") + line(2, "second"));
    });
  });

  describe("datasets", () => {
    const ITEMS = [
      {
        key: "a",
        title: "one",
        stats: { up: 1, by: { x: 2 } },
        tags: [{ tag: "t" }, { tag: "u" }],
        "#debug": 1,
      },
      { key: "b", title: 'say "hi", ü\nthen go', tags: [] },
      { key: "c", "#debug": 2 },
    ];
    let id: string;
    beforeAll(async () => {
      id = await start();
      await hand.push(id, "reddit_posts", ITEMS);
    });
    const dataset = () => client.dataset(`${id}-reddit_posts`);
    const download = async (...args: Parameters<ReturnType<typeof dataset>["downloadItems"]>) =>
      (await dataset().downloadItems(...args)).toString();

    it("list their items, any part of them, from either end", async () => {
      const all = await dataset().listItems();
      expect(all).toMatchObject({ items: ITEMS, total: 3, offset: 0, count: 3, limit: 999_999_999_999 });
      const part = await dataset().listItems({ offset: 1, limit: 1, desc: true });
      expect(part).toMatchObject({ items: [ITEMS[1]], total: 3, offset: 1, limit: 1, desc: true });
      expect((await dataset().listItems({ offset: 3 })).items).toEqual([]);
    });

    it("pick, omit, flatten, unwind and clean", async () => {
      const items = async (options: Parameters<ReturnType<typeof dataset>["listItems"]>[0]) =>
        (await dataset().listItems(options)).items;
      expect(await items({ fields: ["title", "key"], limit: 1 })).toEqual([{ title: "one", key: "a" }]);
      expect(await items({ omit: ["stats", "tags", "#debug"], limit: 1 })).toEqual([
        { key: "a", title: "one" },
      ]);
      expect(await items({ flatten: ["stats"], fields: ["stats.by.x"], limit: 1 })).toEqual([
        { "stats.by.x": 2 },
      ]);
      expect(await items({ unwind: "tags", fields: ["key", "tag"], limit: 1 })).toEqual([
        { key: "a", tag: "t" },
        { key: "a", tag: "u" },
      ]);
      expect(await items({ clean: true, fields: ["#debug", "title"] })).toEqual([
        { title: "one" },
        { title: ITEMS[1]!.title },
      ]);
      expect(await items({ skipHidden: true, fields: ["#debug"] })).toEqual([{}, {}, {}]);
      expect(await items({ skipEmpty: true, fields: ["#debug"] })).toEqual([
        { "#debug": 1 },
        { "#debug": 2 },
      ]);
    });

    it("are downloaded as json, jsonl and csv", async () => {
      expect(JSON.parse(await download("json" as never))).toEqual(ITEMS);
      const lines = (await download("jsonl" as never)).trim().split("\n");
      expect(lines.map((text) => JSON.parse(text) as unknown)).toEqual(ITEMS);
      const options = { fields: ["key", "title", "tags"] };
      const rows =
        'key,title,tags\r\na,one,"[{""tag"":""t""},{""tag"":""u""}]"\r\nb,"say ""hi"", ü\nthen go",[]\r\nc,,\r\n';
      expect(await download("csv" as never, options)).toBe(`\uFEFF${rows}`);
      expect(await download("csv" as never, { ...options, bom: false })).toBe(rows);
      expect(
        await download("csv" as never, { fields: ["key"], skipHeaderRow: true, bom: false, delimiter: ";" }),
      ).toBe("a\r\nb\r\nc\r\n");
    });

    it("say which formats there are when asked for another", async () => {
      for (const format of ["xlsx", "html", "xml", "rss"]) {
        const refused = dataset().downloadItems(format as never);
        await expect(refused).rejects.toMatchObject({ statusCode: 400 });
        await expect(refused).rejects.toThrow("json, jsonl, csv");
      }
    });

    it("take items, all or none", async () => {
      const comments = client.dataset(`${id}-reddit_comments`);
      await comments.pushItems({ reddit_id: "t1_a", body: "x".repeat(5_000) });
      await comments.pushItems([{ reddit_id: "t1_b" }, { reddit_id: "t1_c" }]);
      await expect(comments.pushItems([{ reddit_id: "t1_d" }, { body: "no id" }])).rejects.toThrow(
        "items[1]",
      );
      expect((await comments.listItems()).items.map((item) => item["reddit_id"])).toEqual([
        "t1_a",
        "t1_b",
        "t1_c",
      ]);
      const statistics = await comments.getStatistics();
      expect(statistics!.fieldStatistics).toHaveProperty("reddit_id.nullCount", 0);
    });

    it("are listed, and removed when their run is over", async () => {
      const own = await start();
      await hand.lease(own);
      await hand.push(own, "reddit_posts", ITEMS);
      const { items } = await client.datasets().list({ desc: true, limit: 1 });
      expect(items[0]).toMatchObject({
        id: `${own}-reddit_posts`,
        itemCount: 3,
        createdAt: expect.any(Date),
      });
      await expect(client.dataset(own).delete()).rejects.toMatchObject({ type: "cannot-remove-running-run" });
      await hand.finish(own, "SUCCEEDED");
      await client.dataset(own).delete();
      expect(await client.dataset(own).get()).toMatchObject({ itemCount: 0 });
    });
  });

  describe("key-value stores", () => {
    let id: string;
    beforeAll(async () => {
      id = await start();
    });
    const store = () => client.keyValueStore(id);

    it("keep records of any type and size", async () => {
      const json = "application/json; charset=utf-8";
      const values: [unknown, string][] = [
        [{ a: [1, "ü"] }, json],
        [{ long: "x".repeat(100_000) }, json],
        [null, json],
        ["text ü", "text/plain; charset=utf-8"],
        ["y".repeat(5_000), "text/html; charset=utf-8"],
        [randomBytes(2_000), "application/octet-stream"],
        [randomBytes(3 * 1024 * 1024), "image/png"],
      ];
      for (const [value, contentType] of values) {
        await store().setRecord({ key: "some.key", value: value as never, contentType });
        expect(await store().getRecord("some.key")).toEqual({ key: "some.key", value, contentType });
      }
      expect(await store().recordExists("some.key")).toBe(true);
      await store().deleteRecord("some.key");
      await store().deleteRecord("some.key");
      expect(await store().getRecord("some.key")).toBeUndefined();
      expect(await store().recordExists("some.key")).toBe(false);
    });

    it("take and give streams", async () => {
      await store().setRecord({
        key: "stream",
        // A stream, which the type does not say.
        value: Readable.from(["ab", "cd"]) as never,
        contentType: "text/plain",
      });
      const record = (await store().getRecord("stream", { stream: true }))!;
      expect(await readText(record.value as unknown as Readable)).toBe("abcd");
    });

    it("refuse keys that no store takes", async () => {
      await expect(store().setRecord({ key: "a b", value: 1 })).rejects.toMatchObject({
        statusCode: 400,
        type: "invalid-record-key",
      });
      await expect(store().getRecord("a/b")).rejects.toMatchObject({ type: "invalid-record-key" });
    });

    it("list their keys by their bytes, and end on the last page", async () => {
      await putMany(id);
      const page = { prefix: "many-", limit: 2 };
      expect(await store().listKeys({ ...page, exclusiveStartKey: "many-00001" })).toMatchObject({
        count: 2,
        isTruncated: true,
        nextExclusiveStartKey: "many-00003",
        items: [{ key: "many-00002", size: 1 }, { key: "many-00003" }],
      });
      expect(await store().listKeys({ ...page, exclusiveStartKey: "many-01004" })).toMatchObject({
        items: [{ key: "many-01005" }],
        isTruncated: false,
        nextExclusiveStartKey: null,
      });
    });

    it.runIf(isLatest)("have their keys iterated, to the end and no further", async () => {
      await putMany(id);
      const keys: string[] = [];
      for await (const { key } of store().listKeys({ prefix: "many-" })) keys.push(key);
      expect(keys).toHaveLength(1_005);
      expect(keys).toEqual(keys.toSorted());
    });

    const putMany = (storeId: string) =>
      database.pool.query(
        `select put_record($1, 'many-' || lpad(n::text, 5, '0'), 'text/plain', 'x') from generate_series(1, 1005) n`,
        [storeId],
      );
  });

  describe("request queues", () => {
    it("show their head, and list all requests", async () => {
      const id = await start();
      await hand.enqueue(id, 25);
      const queue = client.requestQueue(id);
      expect(await queue.get()).toMatchObject({
        id,
        totalRequestCount: 25,
        pendingRequestCount: 25,
        handledRequestCount: 0,
      });
      const { items } = await queue.listHead({ limit: 2 });
      expect(items.map(({ uniqueKey }) => uniqueKey)).toEqual(["key 0", "key 1"]);
      expect(await queue.getRequest(items[0]!.id)).toMatchObject({
        url: "https://site.test/0",
        userData: { n: 0, label: "PAGE" },
      });
      expect(await queue.getRequest("unknown")).toBeUndefined();
      const seen: string[] = [];
      for await (const page of queue.paginateRequests({ maxPageLimit: 10 }))
        seen.push(...page.items.map(({ uniqueKey }) => uniqueKey));
      expect(new Set(seen).size).toBe(25);
    });
  });

  it("knows whom its token belongs to", async () => {
    expect(await client.user("me").get()).toMatchObject({ username: "me" });
    const stranger = create({ baseUrl: server.url, token: "wrong" });
    await expect(stranger.runs().list()).rejects.toMatchObject({ statusCode: 401, type: "invalid-token" });
  });
});
