import type { Answer, SiteRequest } from "../answer.ts";
import { asciiJson } from "../ascii-json.ts";
import type { Fault } from "../faults.ts";
import { hashText } from "../random.ts";
import { htmlAnswer, loginPage, plainPage } from "./pages.ts";

// What Instagram answers when it does not answer with content.

/** Instagram's host lives under this prefix of the sandbox's port. */
export const WEB_PREFIX = "/ig";

export function json(status: number, body: object): Answer {
  return { status, headers: { "content-type": "application/json; charset=utf-8" }, body: asciiJson(body) };
}

/** The answer of a fault that replaces the content; `null` for those that spoil its delivery or order. */
export function answerInstead(fault: Fault, request: SiteRequest): Answer | null {
  switch (fault.kind) {
    case "status":
      return statusAnswer(fault);
    case "html_instead_of_json":
    case "login_page":
      return loginPage();
    case "empty_body":
      return { ...json(200, {}), body: "" };
    case "require_login":
      return requireLogin();
    case "please_wait":
      return pleaseWait(401);
    case "login_redirect":
      return loginRedirect(request);
    case "checkpoint":
      return json(400, CHECKPOINT);
    case "useragent_mismatch":
      return mismatch(request.url);
    default:
      return null;
  }
}

const WAIT = "Please wait a few minutes before you try again.";

/** A wall, which no waiting takes away. */
export function requireLogin(): Answer {
  return json(401, { message: WAIT, require_login: true, igweb_rollout: true, status: "fail" });
}

/** Too many requests, and nothing else. */
export function pleaseWait(status: 401 | 429): Answer {
  return json(status, { message: WAIT, status: "fail" });
}

/** The same text comes with either status. */
export function mismatch(what: string): Answer {
  return json(hashText(1, what) % 2 === 0 ? 400 : 429, { message: "useragent mismatch", status: "fail" });
}

export function deadQuery(): Answer {
  return json(200, { data: {}, extensions: { is_final: true }, status: "ok" });
}

export function loginRedirect({ path, headers }: SiteRequest): Answer {
  const next = encodeURIComponent(path.slice(WEB_PREFIX.length));
  const location = `http://${headers.host}${WEB_PREFIX}/accounts/login/?next=${next}`;
  return htmlAnswer(302, "", { location });
}

export function notFoundPage(): Answer {
  return plainPage(404, "Sorry, this page isn't available.", "The link you followed may be broken.");
}

const CHECKPOINT = {
  message: "challenge_required",
  challenge: {
    url: "https://i.instagram.com/challenge/1/",
    api_path: "/challenge/1/",
    hide_webview_header: true,
    lock: true,
    logout: false,
    native_flow: true,
    flow_render_type: 0,
  },
  status: "fail",
  error_type: "checkpoint_challenge_required",
};

function statusAnswer({ status, body, retry_after_secs: secs }: Fault): Answer {
  const answers = {
    html: htmlAnswer(
      status,
      `<!DOCTYPE html><title>Error</title><h2>Sorry, something went wrong (${status}).</h2>`,
    ),
    json: json(status, { message: "Oops, an error occurred.", status: "fail" }),
    empty: { ...json(status, {}), body: "" },
  };
  const later: Record<string, string> = secs === undefined ? {} : { "retry-after": String(secs) };
  return { ...answers[body], headers: { ...answers[body].headers, ...later } };
}
