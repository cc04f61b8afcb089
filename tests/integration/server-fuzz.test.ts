import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { routesOf } from "../../server/http/route.ts";
import { createApp } from "../../server/app.ts";
import { readConfig } from "../../shared/config.ts";
import type { Database } from "../../shared/db/database.ts";
import { createLogger } from "../../shared/log.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer } from "./server-test-server.ts";

interface Parameter {
  name: string;
  in: "path" | "query";
  schema: { type?: string; enum?: string[]; default?: unknown };
}
interface Operation {
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema: Record<string, unknown> }> };
}

let cluster: TestCluster;
let database: Database;
let server: TestServer;
let operations: { method: string; path: string; operation: Operation }[];
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase({ maxConnections: 10 });
  server = await startTestServer(database);
  const api = (await (await server.request("/openapi.json")).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
});
afterAll(async () => {
  await server.close();
  await cluster.stop();
});

const STRANGE = [
  "",
  "0",
  "-1",
  "1e309",
  "NaN",
  "99999999999999999999",
  "true",
  "null",
  "[]",
  "{}",
  "é\u{1f4a9}",
  "\0",
  "' or 1=1 --",
  "%",
  "../../etc/passwd",
  "a".repeat(3_000),
  "2026-13-45",
  "9999-12-31T23:59:59Z",
  "0001-01-01",
  "__proto__",
  "constructor",
];
const BODIES: unknown[] = [null, [], {}, "x", 0, true, { __proto__: 1 }, [[[]]], { a: { b: [null] } }];

/** A body of the schema in which one field after the other is of another type. */
function* strangeBodies(schema: Record<string, unknown>): Generator<unknown> {
  yield* BODIES;
  const names = Object.keys((schema["properties"] ?? {}) as object);
  for (const name of names)
    for (const value of [...BODIES, "\0", -1, 1e300, "9".repeat(5_000)]) yield { [name]: value };
}

/** Sends it; answers that never end are cut off. @returns the status */
async function send(method: string, path: string, body?: string): Promise<number> {
  const response = await server.request(path, {
    method,
    signal: AbortSignal.timeout(20_000),
    ...(body !== undefined && { body, headers: { "content-type": "application/json" } }),
  });
  await response.body?.cancel();
  return response.status;
}

/** A path with a value that means something for each parameter, but for those in `values`. */
function fill(path: string, values: Record<string, string> = {}): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? "reddit"));
}

function toTemplate(route: string): string {
  return route.replaceAll(/\*\*:(\w+)|:(\w+)/g, (_, rest?: string, one?: string) => `{${rest ?? one}}`);
}

/** Those that wait by design answer soon. */
const HASTY = "waitForFinish=0&timeout=0";

describe("whatever a client sends, it is not our mistake", () => {
  it("in paths", async () => {
    for (const { method, path, operation } of operations) {
      for (const { name } of operation.parameters.filter((parameter) => parameter.in === "path")) {
        for (const value of STRANGE.filter(Boolean)) {
          const target = `${fill(path, { [name]: value })}?${HASTY}`;
          const status = await send(method, target);
          expect(`${method} ${path} ${name}=${value} → ${status}`).toMatch(/→ [234]\d\d$/);
        }
      }
    }
  }, 300_000);

  it("in queries", async () => {
    for (const { method, path, operation } of operations) {
      for (const { name } of operation.parameters.filter((parameter) => parameter.in === "query")) {
        for (const value of STRANGE) {
          const query = `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
          const status = await send(method, `${fill(path)}?${query}`);
          expect(`${method} ${path} ${name}=${value} → ${status}`).toMatch(/→ [234]\d\d$/);
        }
        const twice = await send(method, `${fill(path)}?${name}=1&${name}=2`);
        expect(`${method} ${path} ${name} twice → ${twice}`).toMatch(/→ [234]\d\d$/);
      }
    }
  }, 300_000);

  it("in bodies", async () => {
    for (const { method, path, operation } of operations) {
      if (method === "GET" || !operation.requestBody) continue;
      const schema = operation.requestBody.content["application/json"]?.schema ?? {};
      for (const body of strangeBodies(schema)) {
        const text = JSON.stringify(body);
        const status = await send(method, `${fill(path)}?${HASTY}`, text);
        expect(`${method} ${path} ${text.slice(0, 100)} → ${status}`).toMatch(/→ [234]\d\d$/);
      }
      const broken = await send(method, fill(path), '{"a":');
      expect(`${method} ${path} broken → ${broken}`).toMatch(/→ [234]\d\d$/);
    }
  }, 300_000);

  it("and nothing of it was an error to us", () => {
    expect(server.lines.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("the reference", () => {
  it("has every route", async () => {
    const config = readConfig({ LOG_LEVEL: "silent" }, "none");
    const log = createLogger({ level: "silent" });
    const { runs } = server;
    const app = await createApp({ config, log, database, runs, shutdown: new AbortController().signal });
    const known = new Set(operations.map(({ method, path }) => `${method} ${path}`));
    // What was added past `route` would be in the app, and not in the reference. Catch-alls only say what is wrong.
    const all = app["~routes"].filter(({ route, method }) => method !== "HEAD" && !route!.endsWith("/**"));
    const missing = all
      .map(({ method, route }) => `${method} ${toTemplate(route!)}`)
      .filter((name) => !known.has(name));
    expect(missing).toEqual([]);
    expect(routesOf(app)).toHaveLength(all.length);
    expect(all.length).toBeGreaterThan(20);
  });

  it("is a page that runs nothing and asks no other host", async () => {
    const response = await server.request("/docs");
    const page = await response.text();
    expect(response.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-/,
    );
    expect(page).not.toMatch(/<script|https?:\/\/|src=/);
    for (const { path } of operations) expect(page).toContain(path);
  });
});
