import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Database } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer } from "./server-test-server.ts";
import { handWorker, line } from "./v2-hand.ts";

let cluster: TestCluster;
let database: Database;
let server: TestServer;
let hand: ReturnType<typeof handWorker>;
let runId: string;

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

const JSON_TYPE = { "content-type": "application/json" };

beforeEach(async () => {
  runId = await launch("/v2/actors/reddit/runs");
});

async function launch(path: string): Promise<string> {
  const body = JSON.stringify({ subreddits: ["node"] });
  const response = await server.request(path, { method: "POST", headers: JSON_TYPE, body });
  expect(response.status).toBe(201);
  const { data } = (await response.json()) as { data: { id: string } };
  expect(response.headers.get("location")).toBe(`/v2/actor-runs/${data.id}`);
  return data.id;
}

interface Answer {
  status: number;
  // Whatever JSON it is: what is expected of it says the rest.
  body: { data: Record<string, unknown>; error: { type: string; message: string; data?: unknown } };
  headers: Headers;
}

async function ask(path: string, init?: RequestInit): Promise<Answer> {
  const response = await server.request(path, init);
  const text = await response.text();
  return { status: response.status, body: text && JSON.parse(text), headers: response.headers };
}

const asRequest = (
  method: string,
  body?: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): RequestInit => ({
  method,
  headers,
  ...(body !== undefined && { body }),
});

describe("paths", () => {
  it("of actors have their old name, too", async () => {
    expect((await ask("/v2/acts/reddit")).body).toEqual((await ask("/v2/actors/reddit")).body);
    const id = await launch("/v2/acts/me~reddit/runs");
    expect((await ask(`/v2/acts/reddit/runs/${id}`)).body.data).toMatchObject({ id });
  });

  it("with a second /v2 say what is wrong with the base URL", async () => {
    const { status, body } = await ask("/v2/v2/actor-runs");
    expect([status, body.error.type]).toEqual([404, "page-not-found"]);
    expect(body.error.message).toContain("/v2");
  });

  it("that are not there, and records that are not, differ", async () => {
    expect((await ask("/v2/unknown")).body.error.type).toBe("page-not-found");
    for (const path of [
      "/v2/actors/unknown",
      "/v2/actor-runs/unknown",
      "/v2/actors/reddit/runs/unknown",
      "/v2/logs/unknown",
      `/v2/datasets/${runId}-reddit_nothing`,
      `/v2/key-value-stores/${runId}/records/unknown`,
      `/v2/request-queues/${runId}/requests/unknown`,
    ]) {
      const { status, body } = await ask(path);
      expect([path, status, body.error.type]).toEqual([path, 404, "record-not-found"]);
    }
  });

  it("name their methods to others, and method= changes nothing", async () => {
    const { status, body, headers } = await ask(`/v2/actor-runs/${runId}/abort`, { method: "GET" });
    expect([status, body.error.type]).toEqual([405, "method-not-allowed"]);
    expect(headers.get("allow")).toContain("POST");
    expect((await ask(`/v2/actor-runs/${runId}/abort?method=POST`)).status).toBe(405);
    expect((await ask(`/v2/actor-runs/${runId}?method=DELETE`)).body.data).toMatchObject({ id: runId });
  });
});

describe("bodies", () => {
  const input = Buffer.from(JSON.stringify({ subreddits: ["node", "typescript"] }));

  it("are taken as gzip, brotli and deflate", async () => {
    for (const [encoding, body] of [
      ["gzip", gzipSync(input)],
      ["br", brotliCompressSync(input)],
      ["deflate", deflateSync(input)],
    ] as const) {
      const headers = { ...JSON_TYPE, "content-encoding": encoding };
      const { status, body: answer } = await ask("/v2/actors/reddit/runs", asRequest("POST", body, headers));
      expect([encoding, status]).toEqual([encoding, 201]);
      const record = await ask(`/v2/actor-runs/${answer.data["id"] as string}/key-value-store/records/INPUT`);
      expect(record.body).toEqual(JSON.parse(input.toString()));
    }
  });

  it("in another encoding are refused", async () => {
    const headers = { ...JSON_TYPE, "content-encoding": "zstd" };
    const { status, body } = await ask("/v2/actors/reddit/runs", asRequest("POST", input, headers));
    expect([status, body.error.type]).toEqual([415, "unsupported-content-encoding"]);
  });

  it("that become too large are refused, however small they came", async () => {
    const bomb = gzipSync(Buffer.alloc(30 * 1024 * 1024));
    const headers = { ...JSON_TYPE, "content-encoding": "gzip" };
    for (const path of ["/v2/actors/reddit/runs", `/v2/datasets/${runId}/items`]) {
      const { status, body } = await ask(path, asRequest("POST", bomb, headers));
      expect([path, status, body.error.type]).toEqual([path, 413, "request-too-large"]);
    }
  });

  it("that are empty may have a form's content type", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const { status, body } = await ask(`/v2/actor-runs/${runId}/abort`, asRequest("POST", "", headers));
    expect([status, body.data["status"]]).toEqual([200, "ABORTED"]);
  });

  it("that are no input are refused, with a line a field", async () => {
    const wrong = JSON.stringify({ subreddits: 5, max_posts: "many" });
    for (const path of ["/v2/actors/reddit/runs", "/v2/actors/reddit/validate-input"]) {
      const { status, body } = await ask(path, asRequest("POST", wrong, JSON_TYPE));
      expect([path, status, body.error.type]).toEqual([path, 400, "invalid-input"]);
      expect(body.error.data).toEqual({
        details: expect.arrayContaining([
          expect.stringMatching(/^subreddits/),
          expect.stringMatching(/^max_posts/),
        ]),
      });
      const broken = await ask(path, asRequest("POST", '{"subreddits":', JSON_TYPE));
      expect([path, broken.status, broken.body.error.type]).toEqual([path, 400, "invalid-input"]);
    }
  });

  it("that are JSON, but not what a database keeps, are refused", async () => {
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
    for (const value of [deep, `${"[".repeat(10_000)}${"]".repeat(10_000)}`, "1e999"]) {
      for (const [path, body] of [
        [`/v2/datasets/${runId}/items`, `{"reddit_id":"t3_a","x":${value}}`],
        ["/v2/actors/reddit/runs", `{"subreddits":${value}}`],
        ["/v2/actors/reddit/runs", value],
      ] as const) {
        const { status } = await ask(path, asRequest("POST", body, JSON_TYPE));
        expect([path, value.slice(0, 5), value.length, status]).toEqual([
          path,
          value.slice(0, 5),
          value.length,
          400,
        ]);
      }
    }
  });
});

describe("queries", () => {
  it("may have parameters that nobody knows", async () => {
    expect((await ask("/v2/actor-runs?chunkSize=2&nothing=1&limit=1")).status).toBe(200);
  });

  it("have booleans as 1, 0, true and false", async () => {
    const ids = async (query: string) => {
      const { body } = await ask(`/v2/actor-runs?limit=1000&${query}`);
      return (body.data["items"] as { id: string }[]).map(({ id }) => id);
    };
    const ascending = await ids("desc=0");
    expect(ascending.at(-1)).toBe(runId);
    expect(await ids("desc=false")).toEqual(ascending);
    for (const query of ["desc=1", "desc=true"]) expect(await ids(query)).toEqual(ascending.toReversed());
    const { status, body } = await ask("/v2/actor-runs?desc=perhaps");
    expect([status, body.error.type]).toEqual([400, "invalid-request"]);
  });

  it("ask for a page of a thousand at the most, and 0 is no limit", async () => {
    for (const [limit, given] of [
      ["5000", 1_000],
      ["0", 1_000],
      ["3", 3],
    ] as const)
      expect((await ask(`/v2/actor-runs?limit=${limit}`)).body.data).toMatchObject({ limit: given });
  });

  it("hold an answer until the run ends, for no more than a minute", async () => {
    const waiting = ask(`/v2/actor-runs/${runId}?waitForFinish=999999`);
    setTimeout(() => void ask(`/v2/actor-runs/${runId}/abort`, { method: "POST" }), 300);
    expect((await waiting).body.data).toMatchObject({ status: "ABORTED" });
    const start = asRequest("POST", '{"subreddits":["node"]}', JSON_TYPE);
    const began = performance.now();
    expect((await ask("/v2/actors/reddit/runs?waitForFinish=1", start)).body.data["status"]).toBe("READY");
    expect(performance.now() - began).toBeGreaterThan(900);
  });

  it("that cannot be met are refused", async () => {
    for (const path of [
      "/v2/actor-runs?status=LOST",
      `/v2/datasets/${runId}/items?format=xlsx`,
      `/v2/datasets/${runId}/items?view=overview`,
      `/v2/datasets/${runId}/items?fields=a,b&outputFields=c`,
      `/v2/datasets/${runId}/items?offset=-1`,
      "/v2/actors/reddit/runs/last?status=LOST",
    ]) {
      const { status, body } = await ask(path);
      expect([path, status, body.error.type]).toEqual([path, 400, "invalid-request"]);
    }
    const webhooks = "/v2/actors/reddit/runs?webhooks=W10=";
    expect((await ask(webhooks, asRequest("POST", '{"subreddits":["node"]}', JSON_TYPE))).status).toBe(400);
  });
});

describe("runs", () => {
  it("abort gracefully unless told otherwise", async () => {
    const how = async (query: string) => {
      const id = await launch("/v2/actors/reddit/runs");
      await hand.lease(id);
      await ask(`/v2/actor-runs/${id}/abort${query}`, { method: "POST" });
      const { rows } = await database.pool.query("select abort from runs where id = $1", [id]);
      return (rows[0] as { abort: string }).abort;
    };
    expect([await how(""), await how("?gracefully=1"), await how("?gracefully=0")]).toEqual([
      "graceful",
      "graceful",
      "kill",
    ]);
  });

  it("are found as the last one by who launched them", async () => {
    const last = async (origin: string) => (await ask(`/v2/actors/reddit/runs/last?origin=${origin}`)).status;
    expect([await last("API"), await last("SCHEDULER")]).toEqual([200, 404]);
  });
});

describe("items", () => {
  it("have their counts in headers, also without a body", async () => {
    await hand.push(runId, "reddit_posts", [{ a: 1 }, { a: 2 }, { a: 3 }]);
    for (const method of ["GET", "HEAD"]) {
      const response = await server.request(`/v2/datasets/${runId}/items?offset=1&limit=5&desc=1`, {
        method,
      });
      const header = (name: string) => response.headers.get(`x-apify-pagination-${name}`);
      expect([method, response.status]).toEqual([method, 200]);
      expect(["total", "offset", "limit", "count", "desc"].map(header)).toEqual(["3", "1", "5", "2", "true"]);
      expect(await response.text()).toBe(method === "GET" ? '[{"a":2},\n{"a":1}]' : "");
    }
  });

  it("are renamed by outputFields, in every format", async () => {
    await hand.push(runId, "reddit_posts", [{ a: 1, b: 2 }]);
    const items = `/v2/datasets/${runId}/items?fields=b,a&outputFields=second,first`;
    expect((await ask(items)).body).toEqual([{ second: 2, first: 1 }]);
    for (const delimiter of ['"', "\n", "\r", "", ",,", "="]) {
      const refused = await server.request(`${items}&format=csv&delimiter=${encodeURIComponent(delimiter)}`);
      expect(refused.status).toBe(400);
      expect(await refused.text()).toContain("neither a quote");
    }
    for (const raw of ["&raw=1", ""])
      expect((await server.request(`${items}&format=csv&delimiter=%09${raw}`)).status).toBe(200);
    const csv = await server.request(`${items}&format=csv&attachment=1`);
    expect(new Uint8Array(await csv.clone().arrayBuffer()).subarray(0, 3)).toEqual(
      new Uint8Array([0xef, 0xbb, 0xbf]),
    );
    expect(await csv.text()).toBe("second,first\r\n2,1\r\n");
    expect(csv.headers.get("content-disposition")).toContain(`${runId}-reddit_posts.csv`);
    expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
  });

  /** 40 MB of them. */
  async function pushMany(): Promise<void> {
    await database.pool.query(
      `select push_items(number, 'failed_requests', (select jsonb_agg(jsonb_build_object('key', n::text,
        'item', jsonb_build_object('n', n, 'text', repeat(md5(n::text), 64)))) from generate_series(1, 20000) n))
      from runs where id = $1`,
      [runId],
    );
  }

  it("that are removed meanwhile break the answer off, so that nobody takes it for whole", async () => {
    for (const encoding of ["identity", "gzip"]) {
      await pushMany();
      const response = await server.request(`/v2/datasets/${runId}-failed_requests/items`, {
        headers: { "accept-encoding": encoding },
      });
      await database.pool.query("select delete_dataset(number, 'failed_requests') from runs where id = $1", [
        runId,
      ]);
      await expect(response.text()).rejects.toThrow(/terminated|aborted/);
    }
  });

  it("are streamed, and nobody reads on for a client that has gone", async () => {
    await pushMany();
    const items = `/v2/datasets/${runId}-failed_requests/items?format=jsonl`;
    const statements = vi.spyOn(database.pool, "query");
    const pagesRead = () =>
      statements.mock.calls.filter(([text]) => String(text).includes("place, item")).length;
    try {
      expect((await (await server.request(items)).text()).split("\n")).toHaveLength(20_001);
      expect(pagesRead()).toBeGreaterThanOrEqual(100);
      statements.mockClear();
      const response = await server.request(items, { headers: { "accept-encoding": "identity" } });
      const reader = response.body!.getReader();
      await reader.read();
      await reader.cancel();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(pagesRead()).toBeLessThan(50);
    } finally {
      statements.mockRestore();
    }
  });
});

describe("records", () => {
  const page = "<script>fetch('/v2/actor-runs')</script>";

  it("of a page are no page of ours", async () => {
    const path = `/v2/key-value-stores/${runId}/records/page.html`;
    await server.request(path, asRequest("PUT", page, { "content-type": "text/html" }));
    const response = await server.request(path);
    expect(await response.text()).toBe(page);
    expect(response.headers.get("content-security-policy")).toMatch(/^sandbox/);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("are stored by POST, too, and exist for HEAD", async () => {
    const path = `/v2/key-value-stores/${runId}/records/a(b)'.!`;
    const stored = await ask(path, asRequest("POST", "xyz", { "content-type": "text/plain" }));
    expect([stored.status, stored.body]).toEqual([201, {}]);
    const head = await server.request(path, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "3"]);
    expect((await server.request(`${path}x`, { method: "HEAD" })).status).toBe(404);
    expect((await server.request(path, { method: "DELETE" })).status).toBe(204);
    expect((await server.request(path, { method: "DELETE" })).status).toBe(204);
  });

  it("have keys that are checked after they were decoded", async () => {
    const get = async (key: string) =>
      (await ask(`/v2/key-value-stores/${runId}/records/${key}`)).body.error.type;
    expect(await get("a%20b")).toBe("invalid-record-key");
    expect(await get("a%2Fb")).toBe("invalid-record-key");
    expect(await get("a/b")).toBe("invalid-record-key");
    expect(await get("a%2Eb")).toBe("record-not-found");
  });

  it("that outlive runs are the actor's", async () => {
    const path = "/v2/key-value-stores/reddit/records/STATE";
    expect((await ask(path, asRequest("PUT", "{}", JSON_TYPE))).status).toBe(201);
    expect((await ask(path)).body).toEqual({});
    expect((await ask("/v2/key-value-stores/reddit")).body.data).toMatchObject({ name: "reddit" });
  });
});

describe("logs", () => {
  it("longer than a part come whole, wherever a part ends", async () => {
    // Of two bytes each: one of the two logs has a sign across the end of its first megabyte.
    for (const first of ["a", "ab"]) {
      const id = await launch("/v2/actors/reddit/runs");
      const text = line(0, first) + Array.from({ length: 60 }, () => line(1, "ü".repeat(10_000))).join("");
      await hand.log(id, text);
      const response = await server.request(`/v2/logs/${id}`);
      expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
      expect((await response.text()) === text).toBe(true);
    }
  });

  it("that are streamed begin to come before there is a line", async () => {
    const began = performance.now();
    const response = await server.request(`/v2/logs/${runId}?stream=1`);
    expect([response.status, performance.now() - began < 5_000]).toEqual([200, true]);
    await response.body!.cancel();
  });

  it("end for everybody when the server stops", async () => {
    const other = await startTestServer(database, { WORKERS: "0" });
    const following = other.request(`/v2/logs/${runId}?stream=1`).then((response) => response.text());
    const waiting = other.request(`/v2/actor-runs/${runId}?waitForFinish=60`);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const began = performance.now();
    await other.close();
    await following;
    expect((await waiting).status).toBe(200);
    expect(performance.now() - began).toBeLessThan(8_000);
  });
});
