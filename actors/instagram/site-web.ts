import type { Config } from "../../shared/config.ts";
import type { SiteRules } from "../../shared/crawl/classify.ts";
import type { Outcome } from "../../shared/crawl/outcome.ts";
import { parseRetryAfter } from "../../shared/crawl/retry-after.ts";
import type { Site } from "../../shared/crawl/site.ts";
import { field } from "./parse-list.ts";
import { isRestricted, TOO_FAST } from "./site-api.ts";
import { type DocumentName, WEB } from "./source-web.ts";

const HOUR_MS = 3_600_000;

/** The endpoints that Instagram's own pages call. */
export function createWebSite(config: Config): Site {
  const base = config.instagramWebUrl.replace(/\/$/, "");
  const docIds: Record<DocumentName, string> = {
    profile: config.instagramProfileDocId,
    timeline: config.instagramTimelineDocId,
    reels: config.instagramReelsDocId,
  };
  const headers = {
    accept: "application/json",
    "x-ig-app-id": config.instagramAppId,
    "x-requested-with": "XMLHttpRequest",
  };
  return {
    name: "instagram-web",
    needsToken: false,
    serves: (url) => /^\/(?:api|graphql)\//.test(new URL(url).pathname) && url.startsWith(`${WEB}/`),
    ceilings: [{ requests: config.instagramWebRequestsPerHour, windowMs: HOUR_MS }],
    wireRequest(url) {
      const { pathname, search, searchParams } = new URL(url);
      const document = searchParams.get("document");
      if (document === null) return { url: base + pathname + search, headers };
      const form = new URLSearchParams({
        // Requests are built by this actor: the name is one of the table's.
        doc_id: docIds[document as DocumentName],
        variables: searchParams.get("variables") ?? "{}",
      });
      return {
        method: "POST",
        url: base + pathname,
        headers: { ...headers, "content-type": "application/x-www-form-urlencoded" },
        body: form.toString(),
      };
    },
    usage: (url) => ({ provider: "instagram-web", endpoint: new URL(url).pathname, costUsd: 0 }),
    rules: webRules,
    readBudget: () => null,
  };
}

type Answer = Parameters<NonNullable<SiteRules["readAnswer"]>>[0];

/** Answers that ask for a login: no waiting takes them away, whatever they say of minutes. */
const LOGIN = /make sure you are logged in|login_required/i;
/** Answers about our client. */
const CLIENT = /checkpoint_required|challenge_required|feedback_required|useragent mismatch/i;

export const webRules: SiteRules = { readAnswer };

function readAnswer(answer: Answer): Outcome | null {
  const { status, headers, body } = answer;
  const message = typeof body["message"] === "string" ? body["message"] : "";
  const throttled = (): Outcome => {
    const retryAfterMs = parseRetryAfter(headers["retry-after"], answer.answeredAt);
    return { kind: "throttled", status, headers, retryAfterMs };
  };
  const gone = (reason: string, availability: "gated" | "not_found" | null): Outcome => ({
    kind: "gone",
    status,
    headers,
    reason,
    availability,
    body,
  });
  if (body["require_login"] === true || LOGIN.test(message)) return gone("require_login", null);
  if (CLIENT.test(message)) return { kind: "blocked", status, reason: message };
  if (status === 401) return throttled();
  if (status === 404) return gone(message || "not_found", "not_found");
  if (status !== 200) return null;
  if (isRestricted(body)) return gone(String(body["description"]), "gated");
  const errors = errorsOf(body);
  if (TOO_FAST.test(errors)) return throttled();
  if (body["status"] === "fail" || TRANSIENT.test(errors))
    return { kind: "serverError", status, reason: `status fail: ${errors || "no reason"}` };
  const isQuery = answer.url.includes("/graphql/");
  if (isQuery && isDead(body)) return { kind: "retired", status, reason: DEAD };
  if (field(body["data"], "user") !== null) return null;
  // A query knows nobody whom it may not show, either.
  return gone("user: null", isQuery ? null : "not_found");
}

/** Errors that pass, unlike those of a query that has died. */
const TRANSIENT = /something went wrong|try again|temporar|time.?out|server error/i;

/** What an answer without data says of why. */
function errorsOf({ message, errors, data }: Answer["body"]): string {
  if (data != null) return "";
  const texts = [message, ...(Array.isArray(errors) ? errors.map((error) => field(error, "message")) : [])];
  return texts
    .filter((text) => typeof text === "string")
    .join("; ")
    .slice(0, 200);
}

const DEAD =
  "Instagram does not know a GraphQL query any more: set INSTAGRAM_PROFILE_DOC_ID, INSTAGRAM_TIMELINE_DOC_ID and " +
  "INSTAGRAM_REELS_DOC_ID to what its pages send now";

/** A query whose `doc_id` has changed is answered with nothing, or with an error of its execution. */
function isDead({ data, errors }: Answer["body"]): boolean {
  if (Array.isArray(errors) && data == null) return true;
  return typeof data === "object" && data !== null && Object.keys(data).length === 0;
}
