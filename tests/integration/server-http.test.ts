import { randomBytes } from "node:crypto";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Database } from "../../shared/db/database.ts";
import { seed } from "../../shared/db/seed.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer, TOKEN } from "./server-test-server.ts";

let cluster: TestCluster;
let database: Database;
let server: TestServer;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
  await seed(database.pool, "small", () => undefined);
  server = await startTestServer(database, { CORS_ORIGINS: "https://dashboard.example" });
});
afterAll(async () => {
  await server.close();
  await cluster.stop();
});

interface RawAnswer {
  status: number;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

/** What `fetch` would not send, and the answer's bytes as they came. */
function raw(
  url: string,
  path: string,
  { method = "GET", headers = {}, body = "" as string | Buffer } = {},
): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const { hostname, port } = new URL(url);
  const sent = httpRequest({ hostname, port, path, method, headers }, async (response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) });
  });
  sent.on("error", reject).end(body);
  return promise;
}
const bearer = { authorization: `Bearer ${TOKEN}` };
const json = { ...bearer, "content-type": "application/json" };

describe("probes", () => {
  it("are open to everybody", async () => {
    const health = await fetch(`${server.url}/health`);
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({ status: "ok", uptime_secs: expect.any(Number) });
    const ready = await fetch(`${server.url}/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      status: "ready",
      checks: {
        database: { ok: true, latency_ms: expect.any(Number) },
        migrations: { ok: true },
        queue: { ok: true },
        disk: { ok: true },
      },
    });
  });

  it("say what they have found to whoever has a token, and to nobody else", async () => {
    const ofWhom = async (headers: Record<string, string> | [string, string][]) => {
      const response = await fetch(`${server.url}/ready`, { headers });
      expect(response.status).toBe(200);
      return (await response.json()) as { checks: Record<string, { detail?: string }> };
    };
    const known = await ofWhom({ authorization: `Bearer ${TOKEN}` });
    expect(known.checks["migrations"]!.detail).toMatch(/^\d+ of \d+ applied$/);
    for (const headers of [[], [["authorization", "Bearer wrong"]], [["x-api-key", "wrong"]]] as [
      string,
      string,
    ][][])
      for (const check of Object.values((await ofWhom(headers)).checks))
        expect(Object.keys(check).sort()).toEqual(["latency_ms", "ok"]);
  });
});

describe("errors", () => {
  it("an unknown path is 404 and says nothing of the URL", async () => {
    const response = await server.request("/api/nothing?token=secret-in-the-query");
    expect(response.status).toBe(404);
    const body = await response.text();
    expect(body).not.toContain("secret");
    expect(JSON.parse(body)).toMatchObject({
      error: { code: "PAGE_NOT_FOUND", request_id: expect.any(String) },
    });
  });

  it("under /v2 speak Apify's words", async () => {
    const response = await server.request("/v2/nothing");
    expect(await response.json()).toMatchObject({ error: { type: "page-not-found" } });
  });

  it.each([
    ["/health", "DELETE", "GET, HEAD, OPTIONS"],
    ["/api/reddit/subreddits/x", "POST", "GET, HEAD, PATCH, OPTIONS"],
    ["/api/reddit/subreddits/bulk-review", "PUT", "GET, HEAD, PATCH, POST, OPTIONS"],
  ])("%s is 405 for %s, with Allow", async (path, method, allow) => {
    const response = await server.request(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
  });

  it("a path that cannot be decoded is 400", async () => {
    expect((await raw(server.url, "/api/%ZZ", { headers: bearer })).status).toBe(400);
  });

  it("a text that Postgres cannot take is 400", async () => {
    expect((await server.request("/api/logs?source=%00")).status).toBe(400);
    expect((await server.request("/api/reddit/users?q=%00")).status).toBe(400);
    expect((await server.request("/v2/actor-runs/%00")).status).toBeLessThan(500);
  });

  it("a body that is no JSON is 400, of another type 415, in another encoding 415", async () => {
    const send = (headers: Record<string, string>, body: string) =>
      raw(server.url, "/api/reddit/subreddits/x", { method: "PATCH", headers, body });
    expect((await send(json, "{")).status).toBe(400);
    expect((await send({ ...bearer, "content-type": "text/plain" }, "{}")).status).toBe(415);
    expect((await send({ ...json, "content-encoding": "zstd" }, "{}")).status).toBe(415);
    expect((await send({ ...json, "content-encoding": "gzip" }, "{}")).status).toBe(400);
  });

  it("a body of 20 MB is 413, compressed or not, and the server goes on", async () => {
    const body = Buffer.from(JSON.stringify({ notes: "x".repeat(20 * 1024 * 1024) }));
    const random = randomBytes(20 * 1024 * 1024);
    const send = async (headers: Record<string, string>, sent: Buffer) =>
      (await raw(server.url, "/api/reddit/subreddits/x", { method: "PATCH", headers, body: sent })).status;
    // More than once, because whether a client still sends when it is answered is a matter of chance.
    for (let round = 0; round < 5; round++) {
      expect(await send(json, body)).toBe(413);
      expect(await send({ ...json, "transfer-encoding": "chunked" }, body)).toBe(413);
      expect(await send({ ...json, "content-encoding": "gzip" }, gzipSync(random, { level: 0 }))).toBe(413);
      expect(await send({ ...json, "content-encoding": "gzip" }, random)).toBe(400);
    }
    expect(await send({ ...json, "content-encoding": "gzip" }, gzipSync(body))).toBe(413);
    expect(await send({ ...json, "content-encoding": "br" }, brotliCompressSync(body))).toBe(413);
    expect((await server.request("/health")).status).toBe(200);
  });

  it("a client that goes while it sends is no database that is away", async () => {
    const headers = { ...json, "content-length": "5000000", "x-request-id": "gone-midway" };
    const request = httpRequest(new URL("/api/reddit/subreddits/x", server.url), {
      method: "PATCH",
      headers,
    });
    request.on("error", () => {});
    request.write("{".repeat(100_000), () => request.destroy());
    await vi.waitFor(
      () =>
        expect(server.lines).toContainEqual(
          expect.objectContaining({ requestId: "gone-midway", status: 400 }),
        ),
      5_000,
    );
    expect(server.lines).not.toContainEqual(
      expect.objectContaining({ requestId: "gone-midway", level: "warn" }),
    );
  });

  it("say nothing of what went wrong inside, but under which id the log has it", async () => {
    await database.pool.query("alter table reddit_users rename to hidden_users");
    const response = await server.request("/api/reddit/users/somebody", {
      headers: { "x-request-id": "my-request" },
    });
    await database.pool.query("alter table hidden_users rename to reddit_users");
    expect(response.status).toBe(500);
    expect(response.headers.get("x-request-id")).toBe("my-request");
    const body = await response.text();
    expect(body).not.toMatch(/reddit_users|relation|stack/);
    expect(JSON.parse(body)).toMatchObject({ error: { request_id: "my-request" } });
    expect(server.lines).toContainEqual(
      expect.objectContaining({
        level: "error",
        requestId: "my-request",
        route: "/api/reddit/users/:username",
      }),
    );
  });
});

describe("answers", () => {
  const list = "/api/reddit/subreddits?limit=50";

  it("are compressed as the client likes it", async () => {
    const plain = await raw(server.url, list, { headers: bearer });
    const gzip = await raw(server.url, list, { headers: { ...bearer, "accept-encoding": "gzip" } });
    const br = await raw(server.url, list, { headers: { ...bearer, "accept-encoding": "gzip, br" } });
    const none = await raw(server.url, list, {
      headers: { ...bearer, "accept-encoding": "br;q=0, identity" },
    });
    expect([plain, gzip, br, none].map(({ headers }) => headers["content-encoding"])).toEqual([
      undefined,
      "gzip",
      "br",
      undefined,
    ]);
    expect(gunzipSync(gzip.body)).toEqual(plain.body);
    expect(brotliDecompressSync(br.body)).toEqual(plain.body);
    expect(br.headers["vary"]).toContain("accept-encoding");
  });

  it("that the client has are 304", async () => {
    const first = await server.request(list);
    const etag = first.headers.get("etag")!;
    const again = await server.request(list, { headers: { "if-none-match": `"other", ${etag}` } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const other = await server.request(list, { headers: { "if-none-match": '"other"' } });
    expect(other.status).toBe(200);
  });

  it("to HEAD have no body", async () => {
    const response = await server.request(list, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  it("take compressed bodies", async () => {
    const body = Buffer.from(JSON.stringify({ names: ["no_such_place"], review: "Ok" }));
    for (const [encoding, sent] of Object.entries({
      gzip: gzipSync(body),
      br: brotliCompressSync(body),
      identity: body,
    })) {
      const answer = await raw(server.url, "/api/reddit/subreddits/bulk-review", {
        method: "POST",
        headers: { ...json, "content-encoding": encoding },
        body: sent,
      });
      expect(JSON.parse(answer.body.toString())).toEqual({ updated: 0, missing: ["no_such_place"] });
    }
  });

  it("to bodies with a byte order mark are those without one; UTF-16 is refused by name", async () => {
    const body = JSON.stringify({ names: ["no_such_place"], review: "Ok" }, null, 2).replaceAll("\n", "\r\n");
    const send = (sent: Buffer) =>
      raw(server.url, "/api/reddit/subreddits/bulk-review", { method: "POST", headers: json, body: sent });
    expect((await send(Buffer.from(`\ufeff${body}`))).status).toBe(200);
    const refused = await send(Buffer.from(`\ufeff${body}`, "utf16le"));
    expect([refused.status, refused.body.toString()]).toEqual([400, expect.stringContaining("UTF-16")]);
  });

  it("of statistics tell their age, and are made anew for who asks for it", async () => {
    await server.request("/api/stats");
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const kept = await server.request("/api/stats");
    expect(Number(kept.headers.get("age"))).toBeGreaterThanOrEqual(1);
    const fresh = await server.request("/api/stats", { headers: { "cache-control": "no-cache" } });
    expect(fresh.headers.get("age")).toBe("0");
  });

  it("let no browser frame, sniff or run them", async () => {
    const { headers } = await server.request("/api/nothing");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  });
});

describe("pages of other origins", () => {
  const preflight = (origin: string) =>
    raw(server.url, "/api/reddit/subreddits/x", {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "PATCH" },
    });

  it("of the list may ask and read", async () => {
    const origin = "https://dashboard.example";
    expect((await preflight(origin)).headers).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "GET, HEAD, PATCH",
    });
    const { headers } = await raw(server.url, "/api/stats", { headers: { ...bearer, origin } });
    expect(headers["access-control-allow-origin"]).toBe(origin);
    const refused = await raw(server.url, "/api/stats", { headers: { origin } });
    expect([refused.status, refused.headers["access-control-allow-origin"]]).toEqual([401, origin]);
  });

  it("not of it may not", async () => {
    expect((await preflight("https://evil.example")).headers).not.toHaveProperty(
      "access-control-allow-origin",
    );
  });
});

it("statements that take long are logged, without their values", async () => {
  const slow = await startTestServer(database, { SLOW_QUERY_MS: "1" });
  await database.pool.query("select pg_sleep(0.05), $1::text", ["a private value"]);
  await slow.close();
  const line = slow.lines.find(({ msg, sql }) => msg === "slow query" && String(sql).includes("pg_sleep"));
  expect(line).toMatchObject({ level: "warn", ms: expect.any(Number) });
  expect(JSON.stringify(slow.lines)).not.toContain("private value");
});
