import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../shared/db/database.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer } from "./server-test-server.ts";

let cluster: TestCluster;
let database: Database;
let server: TestServer;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
  server = await startTestServer(database);
});
afterAll(async () => {
  await server.close();
  await cluster.stop();
});

describe("probes", () => {
  it("are open to everybody", async () => {
    const health = await fetch(`${server.url}/health`);
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({ status: "ok", uptime_secs: expect.any(Number) });
    const ready = await fetch(`${server.url}/ready`);
    expect(await ready.json()).toMatchObject({ status: "ready", checks: { database: { ok: true } } });
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

  it("another method is 405 with Allow", async () => {
    const response = await server.request("/health", { method: "DELETE" });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
  });

  it("a path that cannot be decoded is 400", async () => {
    expect((await server.request("/api/%ZZ")).status).toBe(400);
  });
});
