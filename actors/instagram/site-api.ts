import type { Config } from "../../shared/config.ts";
import type { Reading } from "../../shared/crawl/budget.ts";
import type { SiteRules } from "../../shared/crawl/classify.ts";
import type { Headers, Outcome } from "../../shared/crawl/outcome.ts";
import { readCount, readWindow } from "../../shared/crawl/rate-headers.ts";
import { parseRetryAfter } from "../../shared/crawl/retry-after.ts";
import type { Quota, Site } from "../../shared/crawl/site.ts";
import { API, unwrap } from "./source-api.ts";

/** A refusal of the rate says nothing of when it ends; its window is a second for most plans. */
const RATE_RETRY_MS = 1_000;
const HOUR_MS = 3_600_000;

/** The data API behind its marketplace's gateway. */
export function createApiSite(config: Config): Site {
  const { instagramApiUrl, rapidApiHost, rapidApiKey = "" } = config;
  return {
    name: "instagram-api",
    needsToken: false,
    serves: (url) => url.startsWith(`${API}/`),
    ceilings: [
      { requests: config.instagramApiRequestsPerSec, windowMs: 1_000, isPaced: true },
      { requests: config.instagramApiRequestsPerHour, windowMs: HOUR_MS },
    ],
    wireRequest: (url) => ({
      url: instagramApiUrl.replace(/\/$/, "") + url.slice(API.length),
      headers: { accept: "application/json", "x-rapidapi-host": rapidApiHost, "x-rapidapi-key": rapidApiKey },
    }),
    usage: (url) => ({
      provider: "rapidapi",
      endpoint: new URL(url).pathname,
      costUsd: config.instagramApiPriceUsd,
    }),
    rules: apiRules,
    readBudget: (headers) => readBudget(headers, config),
    readQuota,
  };
}

/**
 * The rate's window: `x-ratelimit-limit`, `-remaining` and `-reset`, seconds until it ends; which window, that of a
 * second or of an hour, only its end tells. @see https://docs.rapidapi.com/docs/response-headers
 */
function readBudget(headers: Headers, { instagramApiRequestsPerSec: perSec, ...config }: Config): Reading {
  const [limit, remaining, reset] = headersOf(headers, "x-ratelimit");
  const isSecond = (readCount(limit) ?? Infinity) <= perSec;
  const assumed = isSecond
    ? { requests: perSec, windowMs: 1_000 }
    : { requests: config.instagramApiRequestsPerHour, windowMs: HOUR_MS };
  return readWindow({ limit, remaining, reset }, assumed);
}

/** The plan's quota: `x-ratelimit-requests-…`. Calls beyond it are refused, or cost extra. */
function readQuota(headers: Headers): Quota | null {
  const [limit, left, reset] = headersOf(headers, "x-ratelimit-requests").map(readCount);
  if (left == null) return null;
  const calls = limit == null ? "" : ` of ${limit} calls`;
  return { left, reason: `the plan's quota${calls} is used up${until(reset)}` };
}

function until(resetSecs: number | null | undefined): string {
  return resetSecs == null ? "" : `; it starts again in ${(resetSecs / 86_400).toFixed(1)} days`;
}

function headersOf(headers: Headers, prefix: string): (string | undefined)[] {
  return ["limit", "remaining", "reset"].map((name) => headers[`${prefix}-${name}`]);
}

const apiRules: SiteRules = { readAnswer };

type Answer = Parameters<NonNullable<SiteRules["readAnswer"]>>[0];

/** Success is HTTP 200 and a body whose own `status` is not against it. */
function readAnswer(answer: Answer): Outcome | null {
  const { headers } = answer;
  const inner = unwrap(answer.body) as Answer["body"];
  const isWrapped = inner !== answer.body;
  const status = isWrapped ? Number(answer.body["status"]) : answer.status;
  const message = messageOf(inner);
  if (status === 401 || (status === 403 && /subscri|plan|api key/i.test(message)))
    return { kind: "retired", status, reason: `the key is refused: ${message || status}` };
  if (status === 429 || (status === 200 && TOO_FAST.test(message)))
    return readRefusal({ ...answer, status }, message);
  if (status >= 500) return { kind: "serverError", status, reason: message || String(status) };
  // The gateway's own 404 is about the endpoint.
  if (status === 404 && headers["x-rapidapi-proxy-response"] === "true")
    return { kind: "gone", status, headers, reason: message, availability: null, body: inner };
  const failed = inner["status"] === false || inner["status"] === "fail";
  if (status === 404 || (failed && NOT_FOUND.test(message)))
    return {
      kind: "gone",
      status,
      headers,
      reason: message || "not_found",
      availability: "not_found",
      body: inner,
    };
  if (status !== 200) return null;
  if (isRestricted(inner)) {
    const reason = String(inner["description"]);
    return { kind: "gone", status, headers, reason, availability: "gated", body: inner };
  }
  if (!failed) return null;
  return {
    kind: "serverError",
    status,
    reason: `status ${String(inner["status"])}: ${message || "no reason"}`,
  };
}

/** A refusal that comes as a success. */
export const TOO_FAST =
  /rate.?limit|too many requests|exceeded .*quota|wait a (?:few|couple)|try again in \d/i;

const NOT_FOUND = /not found|does ?n[o']t exist|no such user|no user/i;

/** The month's quota is final until it starts again, a rate soon passes. */
function readRefusal({ status, headers, answeredAt }: Answer, message: string): Outcome {
  if (/\bquota\b/i.test(message)) {
    const reset = until(readCount(headers["x-ratelimit-requests-reset"]));
    return { kind: "retired", status, reason: `the plan's quota is used up${reset}: ${message}` };
  }
  const retryAfterMs =
    parseRetryAfter(headers["retry-after"], answeredAt) ?? resetMs(headers) ?? RATE_RETRY_MS;
  return { kind: "throttled", status, headers, retryAfterMs };
}

/** When the rate's window ends, where it is the one that is used up. */
function resetMs(headers: Headers): number | null {
  const [, remaining, reset] = headersOf(headers, "x-ratelimit").map(readCount);
  return remaining === 0 && reset != null ? Math.max(reset * 1000, RATE_RETRY_MS) : null;
}

/** What stands in the place of an account for adults. */
export function isRestricted(body: Answer["body"]): boolean {
  return body["title"] === "Restricted profile" && typeof body["description"] === "string";
}

function messageOf(body: Answer["body"]): string {
  const message = body["message"] ?? body["errorMessage"] ?? body["error"];
  return typeof message === "string" ? message.slice(0, 200) : "";
}
