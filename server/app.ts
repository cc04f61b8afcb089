import { H3, type H3Event, type HTTPResponse } from "h3";
import { AnswerCache } from "./http/answer-cache.ts";
import { ApiError } from "./http/api-error.ts";
import { addressOf, exchangeOf, isApify } from "./http/exchange.ts";
import { allowOrigin, createGuard } from "./http/guard.ts";
import { createListReader } from "./http/lists.ts";
import { isLoopback } from "./http/loopback.ts";
import { respond, Reply } from "./http/reply.ts";
import { type RouteDefinition, routesOf, setRouteContext } from "./http/route.ts";
import { toApiError } from "./http/to-api-error.ts";
import { createTokenStore } from "./http/tokens.ts";
import { addAlerts } from "./routes/alerts.ts";
import { addCreators } from "./routes/instagram/creators.ts";
import { addLaunches } from "./routes/instagram/launch.ts";
import { addMedia } from "./routes/instagram/media.ts";
import { JsonThread } from "./json-thread.ts";
import { createMetrics } from "./metrics.ts";
import { addEvents } from "./routes/events.ts";
import { addLogs } from "./routes/logs.ts";
import { addMetrics } from "./routes/metrics.ts";
import { addProbes } from "./routes/probes.ts";
import { addPosts } from "./routes/reddit/posts.ts";
import { addSubreddits } from "./routes/reddit/subreddits.ts";
import { addUsers } from "./routes/reddit/users.ts";
import { addScraper } from "./routes/scraper.ts";
import { addReference } from "./routes/reference.ts";
import { addStats } from "./routes/stats.ts";
import { addV2 } from "./routes/v2/v2.ts";
import type { ServerParts, Services } from "./services.ts";

/** The server's routes. Each file of `routes/` adds its own. */
export async function createApp(parts: ServerParts): Promise<H3> {
  const { config, database, shutdown } = parts;
  const tokens = createTokenStore(database.pool, config.apiToken);
  await tokens.refresh();
  const cache = new AnswerCache(config.cacheEnabled);
  const metrics = createMetrics(database.pool, cache.counts);
  const jsonThread = new JsonThread();
  shutdown.addEventListener("abort", () => jsonThread.endWhenDone(), { once: true });
  const readList = createListReader(database.pool);
  const services: Services = { ...parts, tokens, cache, readList, metrics, jsonThread };
  const guard = createGuard({ ...config, tokens, isLoopbackOnly: isLoopback(config.host) });
  const app = new H3({
    // Errors are logged here, not printed.
    silent: true,
    onError: (error, event) => refuse(error, event, services),
  });
  setRouteContext(app, {
    guard,
    tokens,
    record: (event, status) => record(event, status, services),
    maxBodyBytes: config.apiMaxBodyMbytes * 1024 * 1024,
    shutdown,
    cache,
    routes: [],
  });

  addProbes(app, services);
  addSubreddits(app, services);
  addUsers(app, services);
  addPosts(app, services);
  addStats(app, services);
  addLogs(app, services);
  addEvents(app, services);
  addMetrics(app, services);
  addReference(app);
  addCreators(app, services);
  addMedia(app, services);
  addLaunches(app, services);
  addScraper(app, services);
  addAlerts(app, services);
  addV2(app, services);

  // What no route has: another method of a path that there is, CORS's question, or nothing.
  app.all("/**", async (event) => {
    await guard(event, null);
    return answerUnrouted(event, routesOf(app), services);
  });
  return app;
}

/** Never echoes the URL: it may have a token in it. */
function answerUnrouted(
  event: H3Event,
  routes: readonly RouteDefinition[],
  services: Services,
): HTTPResponse | Promise<HTTPResponse> {
  const methods = methodsOf(routes, event.url.pathname);
  if (methods.length === 0) throw new ApiError(404, "PAGE_NOT_FOUND", "there is nothing under this path");
  const allow = [...methods, "OPTIONS"].join(", ");
  if (event.req.method === "OPTIONS") {
    allowOrigin(event, services.config.corsOrigins);
    record(event, 204, services);
    const { headers } = exchangeOf(event);
    const preflight = headers["access-control-allow-origin"] && {
      "access-control-allow-methods": methods.join(", "),
      "access-control-allow-headers":
        "authorization, content-encoding, content-type, if-none-match, x-api-key, x-request-id",
      "access-control-max-age": "600",
    };
    return respond(event, new Reply(null, { status: 204, headers: { allow, ...(preflight || undefined) } }));
  }
  throw new ApiError(405, "METHOD_NOT_ALLOWED", `expected one of ${allow}, got ${event.req.method}`, {
    headers: { allow },
  });
}

function methodsOf(routes: readonly RouteDefinition[], pathname: string): string[] {
  const methods = new Set<string>();
  for (const { method, path } of routes) {
    if (!patternOf(path).test(pathname)) continue;
    methods.add(method);
    if (method === "GET") methods.add("HEAD");
  }
  return [...methods];
}

/** `:name` is one segment, `**` any number of them. */
function patternOf(path: string): RegExp {
  const source = path.split("/").map((segment) => {
    if (segment.startsWith("**")) return ".+";
    return segment.startsWith(":") ? "[^/]+" : segment.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${source.join("/")}/?$`);
}

/** The answer to a request that is refused or went wrong, in the words of its face. */
function refuse(error: unknown, event: H3Event, services: Services): HTTPResponse | Promise<HTTPResponse> {
  const { log, config } = services;
  const exchange = exchangeOf(event);
  allowOrigin(event, config.corsOrigins);
  const refusal = toApiError(error);
  record(event, refusal.status, services);
  if (refusal.status >= 500) {
    const { requestId, route } = exchange;
    const level = refusal.status === 503 ? "warn" : "error";
    log[level](
      { requestId, method: event.req.method, route, err: refusal.cause ?? refusal },
      refusal.message,
    );
  }
  const { status, code, message, details, headers } = refusal;
  const body = isApify(event)
    ? {
        error: {
          type: code.toLowerCase().replaceAll("_", "-"),
          message,
          ...(details && { data: { details } }),
        },
      }
    : { error: { code, message, ...(details && { details }), request_id: exchange.requestId } };
  return respond(event, body, {
    status,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store", ...headers },
  });
}

/** Counts the answer; a line of the log for what changes something, in detail for what only reads. */
function record(event: H3Event, status: number, { log, metrics }: Services): void {
  const { requestId, startedAt, route, principal } = exchangeOf(event);
  const { method } = event.req;
  const ms = performance.now() - startedAt;
  metrics.observe({ method, route, status, secs: ms / 1000 });
  const level = method === "GET" || method === "HEAD" || method === "OPTIONS" ? "debug" : "info";
  if (!log.isLevelEnabled(level)) return;
  log[level](
    { requestId, method, route, status, ms: Math.round(ms), by: principal?.name, address: addressOf(event) },
    "request",
  );
}
