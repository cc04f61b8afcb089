import { type H3, type H3Event, type HTTPResponse } from "h3";
import type { z } from "zod";
import { formatIssue, parseValue } from "../../shared/parse/issues.ts";
import { steadyNow } from "../../shared/steady-clock.ts";
import type { AnswerCache } from "./answer-cache.ts";
import { invalidRequest } from "./api-error.ts";
import { readJsonBody, readJsonBytes, readRawBody } from "./body.ts";
import { exchangeOf } from "./exchange.ts";
import type { Guard } from "./guard.ts";
import type { Principal, Scope } from "./principal.ts";
import { JsonText, Reply, respond } from "./reply.ts";
import { toApiError } from "./to-api-error.ts";
import type { TokenStore } from "./tokens.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A body that is not JSON, or not only: handed over as it is. */
export interface RawBody {
  maxBytes: number;
}

/** JSON that may be large: handed over as bytes, because to parse it would keep everybody else waiting. */
export interface JsonBytes {
  /** For the reference. */
  schema: z.ZodType;
}

export interface RouteRequest<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  event: H3Event;
  /** Null on a route that is open to everybody. */
  principal: Principal | null;
  requestId: string;
  /** Aborted when the client goes away or its token is revoked, and when the server is about to stop. */
  signal: AbortSignal;
}

export interface RouteDefinition {
  method: Method;
  /** `/api/reddit/subreddits/:name`, `/v2/key-value-stores/:id/records/**:key` */
  path: string;
  /** Null: open to everybody. */
  scope: Scope | null;
  /** One line. */
  summary: string;
  description?: string | undefined;
  /** Where it stands in the reference. */
  tag: string;
  /** Of decoded path parameters. @default any text */
  params?: z.ZodType | undefined;
  /** Without `token`. Parameters that are empty do not count; one that is given twice is an array. */
  query?: z.ZodType | undefined;
  body?: z.ZodType | RawBody | JsonBytes | undefined;
  /** Schema of the JSON that it answers; or the content type of something else. */
  response: z.ZodType | string;
  /** Of an answer that is not an error. @default 200 */
  status?: number | undefined;
  /** How long an answer is kept for whoever asks the same; `Cache-Control: no-cache` asks anew. @default not at all */
  cacheSecs?: number | undefined;
  /** Errors of its own, with what they mean, beside those that every route has. */
  errors?: Record<number, string> | undefined;
}

interface TypedRoute<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType | RawBody | JsonBytes,
> extends RouteDefinition {
  params?: Params;
  query?: Query;
  body?: Body;
  /** Its value becomes JSON; a `JsonText` or `Reply` is answered as it is. */
  handler(
    request: RouteRequest<
      z.output<Params>,
      z.output<Query>,
      Body extends z.ZodType ? z.output<Body> : Buffer
    >,
  ): unknown;
}

/** What the routes of one app have in common. */
export interface RouteContext {
  guard: Guard;
  tokens: Pick<TokenStore, "onRevoked">;
  /** Counts and logs an answer. (h3's own hook for it makes four promises a request.) */
  record(event: H3Event, status: number): void;
  /** Cap of JSON bodies. */
  maxBodyBytes: number;
  /** Aborted when the server is about to stop. */
  shutdown: AbortSignal;
  cache: AnswerCache;
  routes: RouteDefinition[];
}

const contexts = new WeakMap<H3, RouteContext>();

/** Prepares `app` for `route`. */
export function setRouteContext(app: H3, context: RouteContext): void {
  contexts.set(app, context);
}

/** All routes of `app` so far, in the order in which they were added. */
export function routesOf(app: H3): readonly RouteDefinition[] {
  return contexts.get(app)!.routes;
}

/**
 * On a route that is open to everybody: whether whoever asks has a token of `scope`, which then counts as used. One that
 * is wrong counts as a guess, and lets in nobody.
 */
export async function admits(app: H3, event: H3Event, scope: Scope): Promise<boolean> {
  try {
    await contexts.get(app)!.guard(event, scope);
    return true;
  } catch (error) {
    const { status } = toApiError(error);
    if (status < 500 || status === 503) return false;
    throw error;
  }
}

/**
 * Adds a route: who may use it, what it takes and answers, in one place, from which the reference is made as well. The
 * handler sees only what fits the schemas.
 */
export function route<
  Params extends z.ZodType = z.ZodType<Record<string, string>>,
  Query extends z.ZodType = z.ZodType<Record<string, never>>,
  Body extends z.ZodType | RawBody | JsonBytes = z.ZodType<undefined>,
>(app: H3, definition: TypedRoute<Params, Query, Body>): void {
  const context = contexts.get(app)!;
  const { method, path, scope, query, body, status, handler } = definition;
  context.routes.push(definition);

  const reply = async (event: H3Event): Promise<HTTPResponse> => {
    const exchange = exchangeOf(event);
    exchange.route = path;
    await context.guard(event, scope);
    const request = new HandledRequest(event, context);
    request.params = parse(definition.params, readParams(event), "");
    request.query = query ? parse(query, readQuery(event), "") : NOTHING;
    if (body) request.body = await readBody(event, body, context.maxBodyBytes);
    // The schemas made these values; where there is none, the defaults of the type parameters say what there is.
    const typed = request as Parameters<typeof handler>[0];
    const response = await (definition.cacheSecs === undefined
      ? respondNow(typed)
      : respondKept(typed, definition.cacheSecs));
    context.record(event, response.status!);
    return response;
  };
  const respondNow = async (request: Parameters<typeof handler>[0]) => {
    const value = await handler(request);
    if (value instanceof Reply && value.isStream) endWithToken(request.event, context.tokens);
    return respond(request.event, value, { status });
  };
  const respondKept = async (request: Parameters<typeof handler>[0], secs: number) => {
    const { event } = request;
    const key = `${event.url.pathname} ${JSON.stringify(request.query)}`;
    const isFresh = /\bno-cache\b/.test(event.req.headers.get("cache-control") ?? "");
    const { answer, at } = await context.cache.get(key, secs * 1000, isFresh, async () => {
      const value = await handler(request);
      return value instanceof JsonText ? value : new JsonText(JSON.stringify(value));
    });
    const age = String(Math.floor((steadyNow() - at) / 1000));
    return respond(event, answer, { status, headers: { age } });
  };
  app.on(method, path, reply);
  // Whatever takes the rest would take it otherwise.
  if (method === "GET") app.on("HEAD", path, reply);
}

const NOTHING = Object.freeze({});

class HandledRequest implements RouteRequest<unknown, unknown, unknown> {
  readonly event: H3Event;
  readonly principal: Principal | null;
  readonly requestId: string;
  params: unknown;
  query: unknown;
  body: unknown;
  readonly #context: RouteContext;

  constructor(event: H3Event, context: RouteContext) {
    const { principal, requestId } = exchangeOf(event);
    this.event = event;
    this.principal = principal;
    this.requestId = requestId;
    this.#context = context;
  }

  get signal(): AbortSignal {
    // Whoever asks for it takes a while.
    endWithToken(this.event, this.#context.tokens);
    return AbortSignal.any([this.event.req.signal, this.#context.shutdown]);
  }
}

/** The connection ends when the token that the request came with is revoked before its answer is whole. */
function endWithToken(event: H3Event, tokens: RouteContext["tokens"]): void {
  const { principal } = exchangeOf(event);
  const response = event.runtime?.node?.res;
  if (!principal || !response || response.destroyed) return;
  response.once(
    "close",
    tokens.onRevoked(principal, () => response.destroy()),
  );
}

async function readBody(
  event: H3Event,
  body: z.ZodType | RawBody | JsonBytes,
  maxBodyBytes: number,
): Promise<unknown> {
  if ("maxBytes" in body) return readRawBody(event, body.maxBytes);
  if ("schema" in body) return readJsonBytes(event, maxBodyBytes);
  return parse(body, await readJsonBody(event, maxBodyBytes), "body");
}

function parse(schema: z.ZodType | undefined, values: unknown, where: string): unknown {
  if (!schema) return values;
  const parsed = parseValue(schema, values, { whole: where || "request", prefix: where });
  if (parsed.success) return parsed.data;
  throw invalidRequest(parsed.issues.map(formatIssue));
}

/** h3 has refused what cannot be decoded. */
function readParams(event: H3Event): Record<string, string> {
  const { params } = event.context;
  if (!params) return NOTHING;
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, decodeURIComponent(String(value))]),
  );
}

function readQuery(event: H3Event): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  for (const [name, value] of event.url.searchParams) {
    if (name === "token" || value === "") continue;
    const before = Object.hasOwn(query, name) ? query[name] : undefined;
    // Not `query[name] =`, which takes `__proto__` for something else.
    Object.defineProperty(query, name, {
      value: before === undefined ? value : [before, value].flat(),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return query;
}
