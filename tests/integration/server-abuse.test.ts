import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer, TOKEN } from "./server-test-server.ts";

let cluster: TestCluster;
let database: Database;
let server: TestServer;
let items: string;

beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase({ maxConnections: 10 });
  server = await startTestServer(database, { RESPONSE_STALL_SECS: "2" });
  const { id } = await server.runs.launch({
    actor: "reddit",
    input: { subreddits: ["node"] },
    origin: "API",
  });
  items = `/v2/datasets/${id}-failed_requests/items`;
});
afterAll(async () => {
  await server.close();
  await cluster.stop();
});

async function send(method: string, path: string, body: string): Promise<{ status: number; text: string }> {
  const headers = { "content-type": "application/json" };
  const response = await server.request(path, { method, headers, body });
  return { status: response.status, text: await response.text() };
}

async function push(pushed: unknown): Promise<void> {
  expect(await send("POST", items, JSON.stringify(pushed))).toMatchObject({ status: 201 });
}

async function read(query: string): Promise<{ status: number; text: string }> {
  const response = await server.request(`${items}?${query}`);
  return { status: response.status, text: await response.text() };
}

describe("a body", () => {
  const many = (text: string, times = 100_000) => Array.from({ length: times }, () => text).join(",");
  const INPUTS = [
    ["/v2/acts/instagram/validate-input", 400],
    ["/v2/acts/instagram/runs", 400],
    ["/api/instagram/scrape", 422],
  ] as const;

  it.each(INPUTS)("with a hundred thousand mistakes is told of twenty: %s", async (path, refused) => {
    const { status, text } = await send("POST", path, `{"usernames":[${many("1")}]}`);
    expect(status).toBe(refused);
    expect(text).toContain("and 99,980 more");
    expect(text.length).toBeLessThan(20_000);
    const fields = Array.from({ length: 50_000 }, (_, n) => `"k${n}":1`).join(",");
    expect((await send("POST", path, `{${fields}}`)).text.length).toBeLessThan(20_000);
    const longer = await send("POST", path, `{"usernames":[${many("1", 100_001)}]}`);
    expect(longer.text).toContain("up to 100,000 usernames, not of 100,001");
  });

  it("that is large and right is launched as it is", async () => {
    const usernames = Array.from({ length: 20_000 }, (_, n) => `name_${n}`);
    const { status, text } = await send(
      "POST",
      "/v2/acts/instagram/runs",
      JSON.stringify({ usernames, posts: 1 }),
    );
    expect(status).toBe(201);
    const { data } = JSON.parse(text) as { data: { id: string } };
    const input = await server.request(`/v2/key-value-stores/${data.id}/records/INPUT`);
    expect(await input.json()).toEqual({ usernames, posts: 1 });
    expect(await server.runs.input(data.id)).toEqual({ usernames, posts: 1 });
  });

  it.each([
    ["nested", "[".repeat(101) + "]".repeat(101)],
    ["nested very deep", "[".repeat(1_000_000)],
    ["with a number that no double holds", "1e999"],
    ["with another", `-${"9".repeat(400)}`],
    ["with a number of 100,000 digits", "9".repeat(100_000)],
    ["with a number of 100,000 digits behind its point", `0.${"9".repeat(100_000)}`],
  ])("%s is 400 wherever it is sent", async (_, json) => {
    for (const [path, body] of [
      ...INPUTS.map(([launch]) => [launch, `{"usernames":["a"],"posts":${json}}`]),
      [items, `{"request_id":"a","x":${json}}`],
      ["/api/reddit/subreddits/bulk-review", `{"names":["a"],"notes":${json}}`],
      ["/v2/schedules", `{"name":${json}}`],
      ["/v2/webhooks", `{"headersTemplate":${json}}`],
    ] as const)
      expect(`${path} ${(await send("POST", path!, body!)).status}`).toBe(`${path} 400`);
  });

  it("of some hundred kilobytes is too large where nothing of that size is expected", async () => {
    const { status } = await send(
      "POST",
      "/api/reddit/subreddits/bulk-review",
      `{"names":[${many('"a"', 200_000)}]}`,
    );
    expect(status).toBe(413);
  });

  it("of a megabyte of items is stored, with names and texts of every kind", async () => {
    const pushed = Array.from({ length: 2_000 }, (_, n) => ({
      request_id: `big-${n}`,
      text: "é".repeat(300),
    }));
    await push(pushed);
    await push(
      JSON.parse('{"request_id":"odd","__proto__":{"a":1},"constructor":1,"text":"\\u0000\\ud800"}'),
    );
    const { text } = await read("format=jsonl&desc=1&limit=1");
    expect(JSON.parse(text)).toMatchObject({ constructor: 1, text: "\ufffd\ufffd" });
    expect(text).toContain('"__proto__":{"a":1}');
    const wrong = await send("POST", items, JSON.stringify([...pushed, 1]));
    expect([wrong.status, wrong.text.includes("items[2000]: expected an object, got 1")]).toEqual([
      400,
      true,
    ]);
  });
});

describe("a list", () => {
  it("of long rows has less of them on a page, and all of them on its pages", async () => {
    await database.pool.query(
      `insert into reddit_posts (reddit_id, title, subreddit_name, created_utc, last_scraped_at, selftext)
      select 't3_' || n, 'x', 'long', now(), now(), repeat('y', 3000000) from generate_series(1, 7) n`,
    );
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const response = await server.request(
        `/api/reddit/posts?fields=selftext&limit=7&cursor=${encodeURIComponent(cursor)}`,
      );
      const text = await response.text();
      expect(text.length).toBeLessThan(9_000_000);
      const page = JSON.parse(text) as { items: { reddit_id: string }[]; next_cursor: string | null };
      seen.push(...page.items.map(({ reddit_id }) => reddit_id));
      cursor = page.next_cursor;
    }
    expect(seen.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => `t3_${n}`));
    const requests = await database.pool.query<{ number: number; id: string }>(
      "select number, id from runs limit 1",
    );
    const { number, id } = requests.rows[0]!;
    await database.pool.query(
      `insert into requests (run_number, id, unique_key, url, label, user_data, priority, forefront, place)
      select $1, 'r' || n, 'k' || n, 'http://x/', 'X', jsonb_build_object('a', repeat('z', 1500000)), 0, 0, n
      from generate_series(1, 5) n`,
      [number],
    );
    const ids: string[] = [];
    for (let cursor: string | undefined = ""; cursor !== undefined;) {
      const answer = await server.request(`/v2/request-queues/${id}/requests?cursor=${cursor}`);
      const { data } = (await answer.json()) as { data: { items: { id: string }[]; nextCursor?: string } };
      expect(data.items.length).toBeLessThan(4);
      ids.push(...data.items.map((request) => request.id));
      cursor = data.nextCursor;
    }
    expect(ids).toEqual(["r1", "r2", "r3", "r4", "r5"]);
  });
});

describe("items", () => {
  it("that would become too many rows are refused, with what they are asked by", async () => {
    const lists = Object.fromEntries(
      [..."abcdefgh"].map((name) => [name, Array.from({ length: 20 }, () => 1)]),
    );
    await push({ request_id: "bomb", ...lists });
    const at = "desc=1&limit=1";
    for (const format of ["json", "jsonl", "csv", "json&bom=1"]) {
      const { status, text } = await read(`${at}&format=${format}&unwind=a,b,c,d,e,f,g,h`);
      expect([status, text]).toEqual([400, expect.stringContaining("unwind: expected up to 100,000 rows")]);
    }
    const { text } = await read(`${at}&format=jsonl&unwind=a,b,c&fields=a,b,c`);
    expect(text.trimEnd().split("\n")).toHaveLength(8_000);
    const none = await read(`${at}&format=jsonl&unwind=a,b,c&fields=nothing&skipEmpty=1`);
    expect(none).toEqual({ status: 200, text: "" });
    expect((await read(`${at}&unwind=${Array.from({ length: 101 }, () => "a").join(",")}`)).status).toBe(400);
  });

  it("that would get endless names are refused", async () => {
    let deep: Record<string, unknown> = Object.fromEntries(
      Array.from({ length: 200 }, (_, n) => [`n${n}`, n]),
    );
    for (let n = 0; n < 90; n++) deep = { ["k".repeat(1_000)]: deep };
    await push({ request_id: "deep", deep });
    const { status, text } = await read("desc=1&limit=1&flatten=deep");
    expect([status, text]).toEqual([400, expect.stringContaining("flatten: ")]);
  });

  it("have each column once, however often it is asked for", async () => {
    await push({ request_id: "wide", text: "x" });
    const { text } = await read("desc=1&limit=1&format=csv&bom=0&fields=text,text,request_id,text");
    expect(text.trim().split(/\r?\n/)).toEqual(["text,request_id", "x,wide"]);
  });

  it("of many megabytes come whole, in any form, also to many who do not read", async () => {
    const large = { request_id: "large", text: 'é\u{1f4a9}"'.repeat(300_000), list: [1, 2] };
    await push(large);
    const stalled = Array.from({ length: 30 }, () => openStalled(`${items}?desc=1&limit=1`));
    await sleep(500);
    expect(JSON.parse((await read("desc=1&limit=1")).text)).toEqual([large]);
    expect(JSON.parse((await read("desc=1&limit=1&omit=list")).text)).toEqual([
      { ...large, list: undefined },
    ]);
    expect((await read("desc=1&limit=1&format=jsonl&unwind=list&fields=list")).text).toBe(
      '{"list":1}\n{"list":2}\n',
    );
    const both = await read("desc=1&limit=2&format=jsonl");
    expect(
      both.text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).request_id),
    ).toEqual(["large", "wide"]);
    for (const socket of stalled) socket.destroy();
  });
});

/** Asks, and reads nothing of the answer. */
function openStalled(path: string): Socket {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => undefined);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
  socket.pause();
  return socket;
}

describe("a client", () => {
  it("that stops reading is cut off, one that waits or is slow is not", async () => {
    for (let n = 0; n < 8; n++) await push({ request_id: `long-${n}`, text: "y".repeat(4_000_000) });
    const stalled = openStalled(`${items}?desc=1&limit=8`);
    const waiting = await server.request("/api/events", { signal: AbortSignal.timeout(20_000) });
    let hasEnded = false;
    void waiting.text().then(
      () => (hasEnded = true),
      () => undefined,
    );
    const slow = await server.request(`${items}?desc=1&limit=8`);
    let taken = 0;
    for await (const part of slow.body!) {
      taken += part.length;
      if (taken < 3_000_000) await sleep(50);
    }
    expect(taken).toBeGreaterThan(32_000_000);
    await sleep(3_000);
    // What had arrived is still there; then comes the end.
    const { promise, resolve } = Promise.withResolvers<void>();
    stalled.once("close", resolve);
    let got = 0;
    stalled.on("data", (part) => (got += part.length)).resume();
    await promise;
    expect(got).toBeLessThan(32_000_000);
    expect(hasEnded).toBe(false);
  }, 60_000);
});
