import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import packageJson from "../../package.json" with { type: "json" };
import type { RouteDefinition } from "./route.ts";

type Json = Record<string, unknown>;

/** What any route may refuse a request with. */
const COMMON_ERRORS: Readonly<Record<number, string>> = {
  400: "a parameter or the body is not what it should be; `details` has a line for each",
  401: "no token, or one that is not valid",
  403: "the token's scope does not allow this",
  429: "too many requests; `Retry-After` says when to come back",
  500: "something went wrong here",
  503: "the database is away; `Retry-After` says when to come back",
};

/**
 * The reference of all routes, OpenAPI 3.1. Others get their turn between two routes: all of them take a second.
 * @see https://spec.openapis.org/oas/v3.1.1
 */
export async function describeApi(routes: readonly RouteDefinition[]): Promise<Json> {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    await setImmediate();
    const path = toTemplate(route.path);
    (paths[path] ??= {})[route.method.toLowerCase()] = describeRoute(route);
  }
  return {
    openapi: "3.1.1",
    info: { title: packageJson.name, version: packageJson.version, description: packageJson.description },
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "a token of `b9 token create`, or API_TOKEN" },
        key: { type: "apiKey", in: "header", name: "X-API-Key" },
        query: { type: "apiKey", in: "query", name: "token" },
      },
      schemas: { ApiError: API_ERROR, ApifyError: APIFY_ERROR },
    },
  };
}

function describeRoute(route: RouteDefinition): Json {
  const { method, path, scope, summary, description, tag, body, response, status = 200, cacheSecs } = route;
  const secured = scope === null ? [] : [{ bearer: [scope] }, { key: [scope] }, { query: [scope] }];
  const scoped = scope === null ? "Open to everybody." : `Needs scope \`${scope}\`.`;
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/\W+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    tags: [tag],
    summary,
    description: [description, scoped].filter(Boolean).join("\n\n"),
    security: secured,
    parameters: [...pathParameters(route), ...queryParameters(route)],
    ...(body && { requestBody: describeBody(body) }),
    responses: {
      [status]: {
        description: "done",
        ...(cacheSecs !== undefined && { headers: { Age: describeAge(cacheSecs) } }),
        ...(status !== 204 && { content: describeContent(response) }),
      },
      ...describeErrors(route),
    },
  };
}

function pathParameters({ path, params }: RouteDefinition): Json[] {
  const known = params ? propertiesOf(params) : {};
  return namesOf(path).map((name) => ({
    name,
    in: "path",
    required: true,
    schema: known[name] ?? { type: "string" },
  }));
}

function queryParameters({ query }: RouteDefinition): Json[] {
  if (!query) return [];
  return Object.entries(propertiesOf(query)).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    ...(description !== undefined && { description }),
    schema,
  }));
}

function describeBody(body: NonNullable<RouteDefinition["body"]>): Json {
  if (!("maxBytes" in body)) {
    const schema = toSchema("schema" in body ? body.schema : body, "input");
    return { content: { "application/json": { schema } } };
  }
  return {
    description: `at most ${body.maxBytes} bytes after decompression`,
    content: { "*/*": { schema: { type: "string", format: "binary" } } },
  };
}

function describeContent(response: RouteDefinition["response"]): Json {
  if (typeof response === "string") return { [response]: { schema: { type: "string" } } };
  return { "application/json": { schema: toSchema(response, "output") } };
}

function describeAge(maximum: number): Json {
  return { description: "seconds since it was made", schema: { type: "integer", minimum: 0, maximum } };
}

function describeErrors({ path, scope, errors = {} }: RouteDefinition): Json {
  const schema = path.startsWith("/v2/") ? "ApifyError" : "ApiError";
  const common = scope === null ? {} : COMMON_ERRORS;
  return Object.fromEntries(
    Object.entries({ ...common, ...errors }).map(([status, description]) => [
      status,
      {
        description,
        content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } },
      },
    ]),
  );
}

/** `/a/:id/**:key` as `/a/{id}/{key}`. */
function toTemplate(path: string): string {
  return path.replaceAll(/\*\*:(\w+)|:(\w+)/g, (_, rest?: string, one?: string) => `{${rest ?? one}}`);
}

function namesOf(path: string): string[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
}

function propertiesOf(schema: z.ZodType): Record<string, Json> {
  return (toSchema(schema, "input")["properties"] ?? {}) as Record<string, Json>;
}

function toSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    unrepresentable: "any",
  });
  return json;
}

const text = { type: "string" };

const API_ERROR = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["code", "message", "request_id"],
      properties: { code: text, message: text, details: { type: "array", items: text }, request_id: text },
    },
  },
};

const APIFY_ERROR = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["type", "message"],
      properties: { type: text, message: text, data: { type: "object" } },
    },
  },
};
