import type { H3Event } from "h3";
import { ApiError } from "./api-error.ts";
import { addressOf, exchangeOf } from "./exchange.ts";
import { allows, type Principal, type Scope } from "./principal.ts";
import { type Decision, type Limit, RateLimiter } from "./rate-limiter.ts";
import type { TokenStore } from "./tokens.ts";

export interface GuardOptions {
  tokens: TokenStore;
  /** Only such a server may be open without a token. */
  isLoopbackOnly: boolean;
  corsOrigins: readonly string[];
  /** Requests a minute and address without a valid token. */
  anonymousPerMinute: number;
  /** Requests a second and token. */
  tokenPerSec: number;
}

/** Lets a request to a route of `scope` in, or throws; nothing to wait for where it is open to everybody (`null`). */
export type Guard = (event: H3Event, scope: Scope | null) => Promise<void> | undefined;

/** Who asks a server that has no token. */
const OPERATOR: Principal = { name: "operator", scope: "admin", tokenId: null, limitKey: null };

/**
 * Who may do what, and how often. Tokens come as `Authorization: Bearer`, `X-API-Key` or `?token=`. While there is no
 * token at all, whoever sits at the machine may do everything, and nobody else anything: no web page, no proxy.
 */
export function createGuard(options: GuardOptions): Guard {
  const { tokens, isLoopbackOnly, corsOrigins } = options;
  const limiter = new RateLimiter();
  const anonymous: Limit = { perSec: options.anonymousPerMinute / 60, burst: options.anonymousPerMinute };
  const authenticated: Limit = { perSec: options.tokenPerSec, burst: options.tokenPerSec * 2 };

  const take = (event: H3Event, key: string, limit: Limit): void => {
    const decision = limiter.take(key, limit, performance.now());
    Object.assign(exchangeOf(event).headers, limitHeaders(decision));
    if (decision.isAllowed) return;
    throw new ApiError(429, "RATE_LIMIT_EXCEEDED", `more than ${limit.burst} requests at once`, {
      headers: { "retry-after": String(decision.retryAfterSecs) },
    });
  };

  const identify = async (event: H3Event): Promise<Principal> => {
    if (isLoopbackOnly && tokens.isTokenless()) {
      assertLocal(event);
      return OPERATOR;
    }
    const address = `address:${addressOf(event)}`;
    const token = readToken(event);
    const recalled = token === null ? null : tokens.recall(token);
    if (recalled) return recalled;
    // Whoever guesses has used up a request before the database is asked.
    take(event, address, anonymous);
    if (token === null) {
      throw new ApiError(401, "TOKEN_NOT_PROVIDED", "a token is needed: Authorization: Bearer <token>", {
        headers: { "www-authenticate": "Bearer" },
      });
    }
    const principal = recalled === undefined ? await tokens.check(token) : null;
    if (!principal) {
      throw new ApiError(401, "INVALID_TOKEN", "the token is not valid", {
        headers: { "www-authenticate": 'Bearer error="invalid_token"' },
      });
    }
    limiter.giveBack(address);
    return principal;
  };

  const admit = async (event: H3Event, scope: Scope): Promise<void> => {
    const principal = await identify(event);
    exchangeOf(event).principal = principal;
    if (principal.limitKey !== null) take(event, principal.limitKey, authenticated);
    if (!allows(principal.scope, scope)) {
      throw new ApiError(
        403,
        "INSUFFICIENT_PERMISSIONS",
        `this needs a token of scope ${scope}, the given one has ${principal.scope}`,
      );
    }
  };

  return (event, scope) => {
    allowOrigin(event, corsOrigins);
    if (scope !== null) return admit(event, scope);
    if (isLoopbackOnly && tokens.isTokenless()) assertLocal(event);
    return undefined;
  };
}

/** CORS for the pages of the listed origins. A page never gets in by a cookie: there is none. */
export function allowOrigin(event: H3Event, corsOrigins: readonly string[]): void {
  if (corsOrigins.length === 0) return;
  const { headers } = exchangeOf(event);
  headers["vary"] = "origin";
  const origin = event.req.headers.get("origin");
  if (origin === null || !corsOrigins.includes(origin)) return;
  headers["access-control-allow-origin"] = origin;
  headers["access-control-expose-headers"] = EXPOSED_HEADERS;
}

const EXPOSED_HEADERS =
  "age, content-disposition, etag, location, retry-after, x-apify-pagination-count, x-apify-pagination-desc, x-apify-pagination-limit, x-apify-pagination-offset, x-apify-pagination-total, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-request-id";

function limitHeaders({ limit, remaining, resetSecs }: Decision): Record<string, string> {
  return {
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-reset": String(resetSecs),
  };
}

function readToken(event: H3Event): string | null {
  const { headers } = event.req;
  const authorization = headers.get("authorization");
  if (authorization !== null) return /^bearer +(\S+) *$/i.exec(authorization)?.[1] ?? "";
  return headers.get("x-api-key") ?? (event.url.search ? event.url.searchParams.get("token") : null);
}

const LOOPBACK_HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i;

/**
 * That no page of a browser and nobody behind a proxy drives a server without tokens: a page may send requests to
 * loopback, and under a name of its own that resolves to it (DNS rebinding).
 */
function assertLocal(event: H3Event): void {
  const { headers } = event.req;
  const host = headers.get("host") ?? event.url.host;
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  const isLocal =
    LOOPBACK_HOST.test(host) &&
    (origin === null || origin === event.url.origin) &&
    (site === null || site === "same-origin" || site === "none") &&
    !headers.has("x-forwarded-for") &&
    !headers.has("forwarded");
  if (isLocal) return;
  throw new ApiError(
    403,
    "INSUFFICIENT_PERMISSIONS",
    "without a token this server answers programs on its own machine only: set API_TOKEN, or b9 token create",
  );
}
