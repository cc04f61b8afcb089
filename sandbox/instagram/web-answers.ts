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
      return requireLogin(request.url);
    case "please_wait":
      return pleaseWait(401);
    case "login_redirect":
      return redirect(request, pickBy(request.url, ["/accounts/login/", "/challenge/", "/"]));
    case "checkpoint": {
      const { status, body } = pickBy(request.url, CHECKPOINTS);
      return json(status, body);
    }
    case "useragent_mismatch":
      return mismatch(request.url);
    default:
      return null;
  }
}

const WAIT = "Please wait a few minutes before you try again.";

/** A wall, which no waiting takes away, with the words of a limit or without any. */
export function requireLogin(what: string): Answer {
  const wall = { require_login: true, status: "fail" };
  return json(401, pickBy(what, [{ message: WAIT, igweb_rollout: true, ...wall }, wall]));
}

/** Too many requests, and nothing else. */
export function pleaseWait(status: 401 | 429): Answer {
  return json(status, { message: WAIT, status: "fail" });
}

/** The same text comes with either status. */
export function mismatch(what: string): Answer {
  return json(pickBy(what, [400, 429]), { message: "useragent mismatch", status: "fail" });
}

export function deadQuery(): Answer {
  return json(200, { data: {}, extensions: { is_final: true }, status: "ok" });
}

export function loginRedirect(request: SiteRequest): Answer {
  return redirect(request, "/accounts/login/");
}

function redirect({ path, headers }: SiteRequest, to: string): Answer {
  const next = to === "/" ? "" : `?next=${encodeURIComponent(path.slice(WEB_PREFIX.length))}`;
  return htmlAnswer(302, "", { location: `http://${headers.host}${WEB_PREFIX}${to}${next}` });
}

export function notFoundPage(): Answer {
  return plainPage(404, "Sorry, this page isn't available.", "The link you followed may be broken.");
}

/** Ways to say that a client looks like no person. */
const CHECKPOINTS = [
  {
    status: 400,
    body: {
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
    },
  },
  {
    status: 400,
    body: { message: "checkpoint_required", checkpoint_url: "/challenge/1/", lock: false, status: "fail" },
  },
  {
    status: 400,
    body: {
      message: "feedback_required",
      spam: true,
      feedback_title: "Action Blocked",
      feedback_action: "report_problem",
      feedback_ignore_label: "OK",
      feedback_appeal_label: "Report problem",
      status: "fail",
    },
  },
  {
    status: 403,
    body: {
      message: "login_required",
      error_title: "You've Been Logged Out",
      error_body: "Please log back in.",
      logout_reason: 8,
      status: "fail",
    },
  },
];

/** The same request gets the same one. */
function pickBy<T>(what: string, list: readonly T[]): T {
  return list[hashText(1, what) % list.length]!;
}

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
