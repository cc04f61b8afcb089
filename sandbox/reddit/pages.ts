import type { Answer } from "../answer.ts";

// The bodies that Reddit answers with when it does not answer with content.

const JSON_HEADERS = { "content-type": "application/json; charset=UTF-8", server: "snooserv" };
const HTML_HEADERS = { "content-type": "text/html; charset=UTF-8", server: "snooserv" };

/** @param text JSON */
export function jsonAnswer(status: number, text: string, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { ...JSON_HEADERS, "cache-control": "private, max-age=0, must-revalidate", ...headers },
    body: text,
  };
}

export function htmlAnswer(status: number, body: string, headers: Record<string, string> = {}): Answer {
  return { status, headers: { ...HTML_HEADERS, ...headers }, body };
}

/** `{"message": "Not Found", "error": 404}` and its like. */
export function errorAnswer(
  status: number,
  more: Record<string, unknown> = {},
  headers?: Record<string, string>,
): Answer {
  return jsonAnswer(
    status,
    JSON.stringify({ ...more, message: MESSAGES[status] ?? "Error", error: status }),
    headers,
  );
}

const MESSAGES: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

export function unauthorizedAnswer(): Answer {
  return errorAnswer(401, {}, { "www-authenticate": 'Bearer realm="reddit", error="invalid_token"' });
}

/** The page for a client or address that Reddit wants nothing to do with. */
export function blockedPage(): Answer {
  return htmlAnswer(
    403,
    `<!doctype html>
<html>
  <head>
    <title>Blocked</title>
  </head>
  <body>
    <h1>whoa there, pardner!</h1>
<p>Your request has been blocked due to a network policy.</p>
<p>Try logging in or creating an account <a href=https://www.reddit.com/login/>here</a> to get back to browsing.</p>
<p>If you're running a script or application, please register or sign in with your developer credentials. Additionally make sure your User-Agent is not empty and is something unique and descriptive and try again.</p>
  </body>
</html>
`,
  );
}

export function tooManyPage(retryAfterSecs: number): Answer {
  return htmlAnswer(
    429,
    `<!doctype html>
<html>
  <head>
    <title>Too Many Requests</title>
  </head>
  <body>
    <h1>whoa there, pardner!</h1>
<p>we're sorry, but you appear to be a bot and we've seen too many requests from you lately. we enforce a hard speed limit on requests that appear to come from bots to prevent abuse.</p>
<p>please wait ${retryAfterSecs} second(s) and try again.</p>
  </body>
</html>
`,
    { "retry-after": String(retryAfterSecs) },
  );
}

export function challengePage(status: 200 | 403 = 200): Answer {
  return htmlAnswer(
    status,
    `<html><head><title>Reddit - Please wait for verification</title></head><body>
      <form hidden method="GET" action="/">
        <input type="hidden" name="solution" />
        <input type="hidden" name="js_challenge" value="1"/>
        <input type="hidden" name="jsc_orig_r" value=""/>
      </form>
    </body>
  </html>
`,
  );
}

export function troublePage(status: number): Answer {
  return htmlAnswer(
    status,
    `<!doctype html><html><title>Ow! -- reddit.com</title><style>body{text-align:center}</style><img src=//www.redditstatic.com/trouble-afoot.jpg alt=""><h2>all of our servers are busy right now</h2><h3>please try again in a minute</h3><p>(error code: ${status})`,
  );
}

/** What a browser gets where a script expected JSON. */
export function appPage(): Answer {
  return htmlAnswer(
    200,
    `<!DOCTYPE html><html lang="en-US"><head><title>Reddit - The heart of the internet</title></head><body><shreddit-app></shreddit-app></body></html>`,
  );
}

export function redirectAnswer(location: string): Answer {
  return htmlAnswer(
    302,
    `<html>
 <head>
  <title>302 Found</title>
 </head>
 <body>
  <h1>302 Found</h1>
  The resource was found at <a href="${location}">${location}</a>;
you should be redirected automatically.
 </body>
</html>`,
    { location },
  );
}
