import { z } from "zod";
import type { Config } from "../../shared/config.ts";
import type { BudgetCeiling, Reading } from "../../shared/crawl/budget.ts";
import type { Fact, SiteRules } from "../../shared/crawl/classify.ts";
import { readIdentitySpecs } from "../../shared/crawl/identities-file.ts";
import type { Availability, Headers, Outcome } from "../../shared/crawl/outcome.ts";
import { readWindow } from "../../shared/crawl/rate-headers.ts";
import { findRetryHint, parseRetryAfter } from "../../shared/crawl/retry-after.ts";
import type { Site } from "../../shared/crawl/site.ts";
import { InvalidInputError } from "../../shared/errors.ts";

/** `oauth`: the official API, by token. `public`: the anonymous `.json` pages, closed for most since May 2026. */
export type RedditSource = "oauth" | "public";

const REDDIT = "https://www.reddit.com";

/**
 * Reddit as the kit must know it. Without a `source` it is `oauth` where an identity has a client id, else `public`
 * where `REDDIT_PUBLIC_URL` names another host than Reddit itself.
 *
 * @throws {InvalidInputError} when nothing says where to get the data from, and what would
 */
export function createRedditSite(config: Config, source?: RedditSource): Site {
  const hasClientId = readIdentitySpecs(config).some(({ clientId }) => clientId !== undefined);
  const isOwnPublicHost = new URL(config.redditPublicUrl).origin !== REDDIT;
  const chosen = source ?? (!hasClientId && isOwnPublicHost ? "public" : "oauth");
  if (chosen === "public")
    return { ...publicSource(config.redditPublicUrl), ...common(config), needsToken: false };
  if (hasClientId) return { ...oauthSource(config.redditApiUrl), ...common(config), needsToken: true };
  throw new InvalidInputError(
    "Reddit's API needs a client id: set REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET, or IDENTITIES_FILE with " +
      'a client_id; or choose the anonymous pages with "source": "public"',
  );
}

type WireRequest = Pick<Site, "wireRequest">;

/** `REDDIT_API_URL` may have a path; the canonical one is put after it. */
function oauthSource(apiUrl: string): WireRequest {
  return {
    wireRequest: (url, { token }) => {
      const { pathname, search } = canonicalUrl(url);
      return {
        url: join(apiUrl, pathname, search),
        headers: { accept: "application/json", ...(token !== null && { authorization: `bearer ${token}` }) },
      };
    },
  };
}

function publicSource(publicUrl: string): WireRequest {
  return {
    wireRequest: (url) => {
      const { pathname, search } = canonicalUrl(url);
      const path = `${pathname.replace(/\/$/, "")}${pathname === "/" ? "/" : ""}.json`;
      return { url: join(publicUrl, path, search), headers: { accept: "application/json" } };
    },
  };
}

function canonicalUrl(url: string): URL {
  const canonical = new URL(url);
  if (canonical.origin !== REDDIT) throw new TypeError(`expected a URL of ${REDDIT}, got ${url}`);
  return canonical;
}

/** `raw_json=1`: without it Reddit writes `&amp;`, `&lt;` and `&gt;` into titles and URLs. */
function join(base: string, path: string, search: string): string {
  return `${base.replace(/\/$/, "")}${path}${search ? `${search}&` : "?"}raw_json=1`;
}

/** Reddit's reasons in 403 and 404, and what each says about the target. */
const AVAILABILITY_BY_REASON = new Map<string, Availability>([
  ["private", "private"],
  ["quarantined", "quarantined"],
  ["gated", "gated"],
  ["banned", "banned"],
  // For paying members only: closed to us like a private one.
  ["gold_only", "private"],
]);

/**
 * A second call meanwhile is refused, whatever the client has left.
 * @see https://www.reddit.com/dev/api/#GET_api_morechildren
 */
function oneAtATime(url: string): string | null {
  return url.startsWith(`${REDDIT}/api/morechildren`) ? "morechildren" : null;
}

/** What `api_type=json` says instead of an answer: `[["RATELIMIT", "Take a break for 5 seconds …", "ratelimit"]]`. */
const Refusal = z.object({ json: z.object({ errors: z.array(z.tuple([z.string()], z.unknown())) }) });

const rules: SiteRules = {
  readAnswer({ status, headers, body, answeredAt }): Outcome | null {
    const errors = Refusal.safeParse(body).data?.json.errors ?? [];
    const limit = errors.find(([code]) => code === "RATELIMIT");
    if (!limit) return null;
    const retryAfterMs =
      parseRetryAfter(headers["retry-after"], answeredAt) ?? findRetryHint(limit.join(" "));
    return { kind: "throttled", status, headers, retryAfterMs };
  },
  readFact(_status, { reason }): Fact | null {
    const availability = typeof reason === "string" && AVAILABILITY_BY_REASON.get(reason);
    return availability ? { reason, availability } : null;
  },
  /** A subreddit that does not exist is answered with a redirect to a search for its name, under the API's path. */
  readRedirect({ pathname }): Fact | null {
    const isSearch = /\/subreddits\/search(?:\.json)?\/?$/.test(pathname);
    return isSearch ? { reason: "not_found", availability: "not_found" } : null;
  },
};

/**
 * The window of the client id by `x-ratelimit-used`, `-remaining` (a decimal: "996.0") and `-reset` (seconds to its
 * end). Cached answers and many errors carry none; some carry them twice.
 */
function readBudget(headers: Headers, assumed: BudgetCeiling): Reading {
  const [used, remaining, reset] = ["used", "remaining", "reset"].map(
    (name) => headers[`x-ratelimit-${name}`],
  );
  return readWindow({ used, remaining, reset }, assumed);
}

function common({
  redditBudgetRequests,
  redditBudgetSecs,
}: Config): Pick<Site, "name" | "rules" | "oneAtATime" | "readBudget"> {
  const assumed = { requests: redditBudgetRequests, windowMs: redditBudgetSecs * 1000 };
  return { name: "reddit", rules, oneAtATime, readBudget: (headers) => readBudget(headers, assumed) };
}
