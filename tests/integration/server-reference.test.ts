import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Database } from "../../shared/db/database.ts";
import { CREATORS } from "../../shared/db/queries/instagram-creators.ts";
import { INSTAGRAM_POSTS, INSTAGRAM_REELS } from "../../shared/db/queries/instagram-media.ts";
import type { ListTable } from "../../shared/db/queries/page.ts";
import { POSTS } from "../../shared/db/queries/reddit-posts.ts";
import { SUBREDDITS } from "../../shared/db/queries/reddit-subreddits.ts";
import { USERS } from "../../shared/db/queries/reddit-users.ts";
import { seed } from "../../shared/db/seed.ts";
import { startCluster, type TestCluster } from "./db-cluster.ts";
import { startTestServer, type TestServer } from "./server-test-server.ts";

type Schema = Record<string, unknown>;
interface Operation {
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

let cluster: TestCluster;
let database: Database;
let server: TestServer;
let paths: Record<string, Record<string, Operation>>;
beforeAll(async () => {
  cluster = await startCluster();
  database = await cluster.createDatabase();
  await seed(database.pool, "small", () => undefined);
  await database.pool.query(
    `insert into alerts (rule, subject, message, value, threshold, opened_at, last_seen_at)
      values ('memory', 's', 'm', 1.5, 1, now(), now());
    insert into api_usage (provider, endpoint, status, units, cost_usd) values ('rapidapi', 'e', 200, 1, 0.00066);`,
  );
  const log = { at: new Date().toISOString(), source: "server", level: "warn", message: "m" };
  await database.pool.query("select write_logs($1)", [
    JSON.stringify([log, { ...log, context: { a: [1] } }]),
  ]);
  server = await startTestServer(database);
  ({ paths } = (await (await server.request("/openapi.json")).json()) as { paths: typeof paths });
});
afterAll(async () => {
  await server.close();
  await cluster.stop();
});

function schemaOf(path: string): Schema {
  return paths[path]!["get"]!.responses["200"]!.content!["application/json"]!.schema;
}

async function answerOf(path: string): Promise<unknown> {
  const response = await server.request(path);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text);
}

async function first(column: string, table: string): Promise<string> {
  const { rows } = await database.pool.query<{ key: string }>(
    `select ${column} as key from ${table} limit 1`,
  );
  return rows[0]!.key;
}

/** Postgres writes times with microseconds and +00:00. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)$/;

/** What `value` has that `schema` does not allow; a schema that allows anything is a mistake as well. */
function mistakes(schema: Schema, value: unknown): unknown[] {
  const checked = JSON.parse(JSON.stringify(schema), (_, part: Schema) =>
    part !== null && part["format"] === "date-time" ? { type: "string", pattern: TIME.source } : part,
  ) as Parameters<typeof z.fromJSONSchema>[0];
  return z.fromJSONSchema(checked).safeParse(value).error?.issues ?? [];
}

const allFields = ({ extraColumns = {} }: ListTable) => Object.keys(extraColumns).join(",");

const LISTS: [path: string, table: ListTable | null][] = [
  ["/api/reddit/subreddits", SUBREDDITS],
  ["/api/reddit/users", USERS],
  ["/api/reddit/posts", POSTS],
  ["/api/instagram/creators", CREATORS],
  ["/api/instagram/posts", INSTAGRAM_POSTS],
  ["/api/instagram/reels", INSTAGRAM_REELS],
  ["/api/logs", null],
  ["/api/alerts", null],
];

describe("answers are what the reference says, to the last field", () => {
  it.each(LISTS)("%s, with and without more fields", async (path, table) => {
    const queries = ["limit=500", ...(table ? [`limit=500&fields=${allFields(table)}`] : [])];
    for (const query of queries) {
      const answer = (await answerOf(`${path}?${query}`)) as { items: unknown[] };
      expect(answer.items.length).toBeGreaterThan(0);
      expect(mistakes(schemaOf(path), answer)).toEqual([]);
    }
  });

  it("/api/reddit/posts by viral rank", async () => {
    const answer = await answerOf(`/api/reddit/posts?sort=viral&hours=720&fields=${allFields(POSTS)}`);
    expect(mistakes(schemaOf("/api/reddit/posts"), answer)).toEqual([]);
  });

  it.each([
    ["/api/reddit/subreddits/{name}", "name", "reddit_subreddits"],
    ["/api/reddit/users/{username}", "username", "reddit_users"],
    ["/api/instagram/creators/{username}", "ig_user_id", "instagram_creators"],
  ])("%s", async (path, column, table) => {
    const answer = await answerOf(path.replace(/\{.*\}/, await first(column, table)));
    expect(mistakes(schemaOf(path), answer)).toEqual([]);
  });

  it.each([
    "/api/reddit/suggestions",
    "/api/reddit/review-counts",
    "/api/usage",
    "/api/usage?group_by=run",
    "/api/scraper/status",
    "/api/stats",
    "/api/stats/dashboard",
    "/api/stats/performance",
    "/v2/schedules",
    "/v2/actors",
  ])("%s", async (path) => {
    expect(mistakes(schemaOf(path.replace(/\?.*/, "")), await answerOf(path))).toEqual([]);
  });
});

it("every field of an answer under /api has a type", () => {
  const untyped: string[] = [];
  const look = (schema: Schema, place: string) => {
    const parts = ["anyOf", "oneOf", "allOf"].flatMap((name) => (schema[name] ?? []) as Schema[]);
    if (schema["type"] === undefined && schema["enum"] === undefined && parts.length === 0)
      untyped.push(place);
    for (const part of parts) look(part, place);
    if (schema["items"]) look(schema["items"] as Schema, `${place}[]`);
    for (const [name, field] of Object.entries((schema["properties"] ?? {}) as Record<string, Schema>))
      look(field, `${place}.${name}`);
  };
  for (const path of Object.keys(paths).filter((name) => name.startsWith("/api/") && paths[name]!["get"])) {
    const content = paths[path]!["get"]!.responses["200"]?.content?.["application/json"];
    if (content) look(content.schema, path);
  }
  expect(untyped).toEqual([]);
});

it("a row says of its columns what they are, when they can be null, and what their names do not say", () => {
  const { items } = schemaOf("/api/instagram/creators")["properties"] as { items: { items: Schema } };
  const { properties, required } = items.items as { properties: Record<string, Schema>; required: string[] };
  expect(properties["ig_user_id"]).toEqual({ type: "string" });
  expect(properties["engagement_rate"]).toMatchObject({
    type: ["number", "null"],
    description: expect.stringContaining("followers"),
  });
  expect(properties["first_seen_at"]).toMatchObject({ type: "string", format: "date-time" });
  expect(properties["body_tags"]).toMatchObject({ type: "array", items: { type: "string" } });
  expect(required).toContain("username");
  expect(required).not.toContain("biography");
});
