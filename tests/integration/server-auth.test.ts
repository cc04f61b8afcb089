import { request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startServer } from "../../server/main.ts";
import { createToken, listTokens, revokeToken } from "../../shared/db/api-tokens.ts";
import { readConfig } from "../../shared/config.ts";
import type { Database } from "../../shared/db/database.ts";
import { createLogger } from "../../shared/log.ts";
import { openRuns } from "../../shared/runs/runs.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer, TOKEN } from "./server-test-server.ts";

let cluster: TestCluster;
let database: Database;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
});
afterAll(() => cluster.stop());

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  await database.pool.query("delete from api_tokens");
});

const start = async (env: Record<string, string> = {}) => (server = await startTestServer(database, env));

async function statusOf(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<number> {
  const response = await fetch(`${server!.url}${path}`, { method, headers });
  await response.arrayBuffer();
  return response.status;
}

/** With a Host header of our own, which `fetch` does not let through. */
function statusWith(headers: Record<string, string>, path = "/api/stats"): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const { hostname, port } = new URL(server!.url);
  httpRequest({ hostname, port, path, headers }, (response) => {
    response.resume().on("end", () => resolve(response.statusCode!));
  })
    .on("error", reject)
    .end();
  return promise;
}

describe("a token", () => {
  it("is taken as Bearer, X-API-Key and ?token=", async () => {
    await start();
    expect(await statusOf("/api/stats", { authorization: `Bearer ${TOKEN}` })).toBe(200);
    expect(await statusOf("/api/stats", { "x-api-key": TOKEN })).toBe(200);
    expect(await statusOf(`/api/stats?token=${TOKEN}`)).toBe(200);
  });

  it("of the settings may be short, which the log warns of", async () => {
    const { lines } = await start({ API_TOKEN: "short" });
    expect(await statusOf("/api/stats", { authorization: "Bearer short" })).toBe(200);
    expect(await statusOf("/api/stats", { authorization: "Bearer shor" })).toBe(401);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: "warn", msg: expect.stringContaining("API_TOKEN") }),
    );
  });

  it("is needed for everything but the probes", async () => {
    await start();
    for (const path of ["/api/stats", "/metrics", "/openapi.json", "/docs", "/v2/users/me", "/api/events"])
      expect([path, await statusOf(path)]).toEqual([path, 401]);
    expect(await statusOf("/health")).toBe(200);
    expect(await statusOf("/ready")).toBe(200);
  });

  it("that is wrong is 401, in the words of each face", async () => {
    await start();
    const wrong = { authorization: "Bearer wrong" };
    const own = await fetch(`${server!.url}/api/stats`, { headers: wrong });
    expect(own.headers.get("www-authenticate")).toContain("Bearer");
    expect(await own.json()).toMatchObject({ error: { code: "INVALID_TOKEN" } });
    const apify = await fetch(`${server!.url}/v2/users/me`, { headers: wrong });
    expect(await apify.json()).toMatchObject({ error: { type: "invalid-token" } });
  });

  it("of a scope allows what the scope does, and no more", async () => {
    await start();
    const read = { authorization: `Bearer ${await createToken(database.pool, "reader", "read")}` };
    const admin = { authorization: `Bearer ${await createToken(database.pool, "boss", "admin")}` };
    expect(await statusOf("/api/stats", read)).toBe(200);
    expect(await statusOf("/api/reddit/subreddits/x", read, "PATCH")).toBe(403);
    // Let in, and told that there is no body.
    expect(await statusOf("/api/reddit/subreddits/x", admin, "PATCH")).toBe(400);
    expect(await statusOf("/v2/actors/reddit/runs", read, "POST")).toBe(403);
  });

  it("is stored by its hash, notes its use, and is worthless once revoked", async () => {
    await start();
    const token = await createToken(database.pool, "short", "read");
    const { rows } = await database.pool.query("select * from api_tokens");
    expect(JSON.stringify(rows)).not.toContain(token.slice(3));
    expect(await statusOf("/api/stats", { "x-api-key": token })).toBe(200);
    expect((await listTokens(database.pool))[0]!.lastUsedAt).not.toBeNull();
    expect(await revokeToken(database.pool, "short")).toBe(true);
    // The running server may trust it for ten seconds; another one never saw it.
    await server!.close();
    await start();
    expect(await statusOf("/api/stats", { "x-api-key": token })).toBe(401);
  });

  it("that is revoked, or allows less, ends the streams and waits that it has opened", async () => {
    await start();
    const { id } = await server!.runs.launch({
      actor: "reddit",
      input: { subreddits: ["node"] },
      origin: "API",
    });
    const paths = ["/api/events", `/v2/logs/${id}?stream=1`, `/v2/actor-runs/${id}?waitForFinish=60`];
    const ended = new Set<string>();
    const open = async (name: string, token: string) => {
      for (const path of paths) {
        void fetch(`${server!.url}${path}`, { headers: { "x-api-key": token } })
          .then((response) => response.text())
          .catch(() => undefined)
          .then(() => ended.add(`${name} ${path}`));
      }
    };
    await open("revoked", await createToken(database.pool, "revoked", "run"));
    await open("less", await createToken(database.pool, "less", "run"));
    await open("kept", await createToken(database.pool, "kept", "run"));
    await sleep(1_500);
    expect([...ended]).toEqual([]);
    await revokeToken(database.pool, "revoked");
    await database.pool.query("update api_tokens set scope = 'read' where name = 'less'");
    await expect.poll(() => ended.size, { timeout: 10_000 }).toBe(6);
    expect([...ended].filter((each) => each.startsWith("kept"))).toEqual([]);
  }, 30_000);

  it("in a query is in no log line", async () => {
    await start();
    await statusOf(`/api/stats?token=${TOKEN}`);
    await statusOf(`/api/nothing?token=${TOKEN}`);
    await statusOf(`/api/stats?token=another-secret`);
    expect(JSON.stringify(server!.lines)).not.toMatch(new RegExp(`${TOKEN}|another-secret`));
  });
});

describe("without any token", () => {
  it("the server binds to loopback only", async () => {
    const config = readConfig({ HOST: "0.0.0.0", PORT: "0" }, "none");
    const log = createLogger({ level: "silent" });
    const runs = await openRuns({ database, config, log });
    await expect(startServer({ config, log, database, runs })).rejects.toThrow(/HOST: expected a loopback/);
    await createToken(database.pool, "one", "read");
    const open = await startServer({ config, log, database, runs });
    await open.close();
    await runs.close();
  });

  it("programs on the machine may do everything", async () => {
    await start({ API_TOKEN: "" });
    expect(await statusOf("/api/stats")).toBe(200);
    expect(await statusOf("/api/reddit/subreddits/x", {}, "PATCH")).toBe(400);
    const { port } = new URL(server!.url);
    expect(await statusWith({ host: `localhost:${port}`, origin: `http://localhost:${port}` })).toBe(200);
  });

  it.each<Record<string, string>>([
    { host: "evil.example" },
    { host: "127.0.0.1.evil.example" },
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "http://127.0.0.1:1" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "x-forwarded-for": "192.0.2.1" },
    { "x-forwarded-proto": "https" },
    { "x-forwarded-host": "evil.example" },
    { forwarded: "for=192.0.2.1" },
    { via: "1.1 proxy" },
    { "x-real-ip": "192.0.2.1" },
    { "x-client-ip": "192.0.2.1" },
    { "true-client-ip": "192.0.2.1" },
    { "cf-connecting-ip": "192.0.2.1" },
    { host: "localhost." },
  ])("a page or a proxy may do nothing: %j", async (headers) => {
    await start({ API_TOKEN: "" });
    const { host } = new URL(server!.url);
    expect(await statusWith({ host, ...headers })).toBe(403);
    expect(await statusWith({ host, ...headers }, "/health")).toBe(403);
    expect(await statusWith({ host, ...headers }, "/nothing")).toBe(403);
  });

  it("a target that names another host than the Host header may do nothing", async () => {
    await start({ API_TOKEN: "" });
    const { host } = new URL(server!.url);
    expect(await statusWith({ host }, "http://evil.example/api/stats")).toBe(403);
  });

  it("one that is made later shuts the door", async () => {
    await start({ API_TOKEN: "" });
    await createToken(database.pool, "first", "admin");
    await expect.poll(() => statusOf("/api/stats"), { timeout: 20_000, interval: 500 }).toBe(401);
  }, 30_000);
});

describe("limits", () => {
  it("are told, and end in 429 with Retry-After", async () => {
    await start({ RATE_LIMIT_TOKEN: "2" });
    const token = await createToken(database.pool, "busy", "read");
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        fetch(`${server!.url}/api/nothing-cached?`, { headers: { "x-api-key": token } }),
      ),
    );
    expect(answers.every(({ status }) => status === 404)).toBe(true);
    const counted = [];
    for (let n = 0; n < 8; n++)
      counted.push(await fetch(`${server!.url}/api/usage`, { headers: { "x-api-key": token } }));
    expect(counted[0]!.headers.get("x-ratelimit-limit")).toBe("4");
    expect(counted[0]!.headers.get("x-ratelimit-remaining")).toBe("3");
    const refused = counted.find(({ status }) => status === 429)!;
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
  });

  it("stop whoever guesses tokens, and nobody else", async () => {
    await start({ RATE_LIMIT_ANONYMOUS: "5" });
    const token = await createToken(database.pool, "honest", "read");
    const guesses = [];
    for (let n = 0; n < 7; n++) guesses.push(await statusOf("/api/stats", { "x-api-key": `guess-${n}` }));
    expect(guesses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect(await statusOf("/api/stats", { authorization: `Bearer ${TOKEN}` })).toBe(200);
    // Also one that the server has not seen yet, made before the guesses or after them.
    expect(await statusOf("/api/stats", { "x-api-key": token })).toBe(200);
    const later = await createToken(database.pool, "later", "read");
    expect(await statusOf("/api/stats", { "x-api-key": later })).toBe(200);
    expect(await statusOf("/api/stats", { "x-api-key": "guess-8" })).toBe(429);
  });

  it("hold for the database, too: a flood of guesses is a few questions", async () => {
    await start();
    let questions = 0;
    const ask = database.pool.query.bind(database.pool);
    database.pool.query = ((...query: Parameters<typeof ask>) => {
      if (JSON.stringify(query[0]).includes("api_tokens")) questions++;
      return ask(...query);
    }) as typeof database.pool.query;
    try {
      const startedAt = Date.now();
      await Promise.all(
        Array.from({ length: 300 }, (_, n) => statusOf("/api/stats", { "x-api-key": `guess-${n}` })),
      );
      expect(questions).toBeLessThanOrEqual(2 + (Date.now() - startedAt) / 200);
    } finally {
      database.pool.query = ask;
    }
  });

  it("are not used up by valid tokens that the server sees for the first time", async () => {
    await start({ RATE_LIMIT_ANONYMOUS: "1" });
    for (let n = 0; n < 4; n++) {
      const token = await createToken(database.pool, `new-${n}`, "read");
      expect(await statusOf("/api/usage", { "x-api-key": token })).toBe(200);
    }
  });

  it("do not hold for admins", async () => {
    await start({ RATE_LIMIT_TOKEN: "1" });
    for (let n = 0; n < 10; n++)
      expect(await statusOf("/api/usage", { authorization: `Bearer ${TOKEN}` })).toBe(200);
  });
});
