import { randomBytes } from "node:crypto";
import type { H3Event } from "h3";
import type { Principal } from "./principal.ts";

/** What is known about a request while it is answered. */
export interface Exchange {
  requestId: string;
  /** As `performance.now()`. */
  startedAt: number;
  /** Pattern of its route; null: there is none. */
  route: string | null;
  principal: Principal | null;
  /** Headers of the answer, whatever it will be. */
  headers: Record<string, string>;
}

const REQUEST_ID = /^[\w.-]{1,64}$/;

/** Ids of requests that come without one: this process, and a number. */
const PROCESS = randomBytes(9).toString("base64url");
let requests = 0;

/** The request's exchange, which begins when it is asked for first. */
export function exchangeOf(event: H3Event): Exchange {
  return (event.context["exchange"] ??= begin(event)) as Exchange;
}

/** Whose wire format an answer has: Apify's or our own. */
export function isApify(event: H3Event): boolean {
  return event.url.pathname.startsWith("/v2/") || event.url.pathname === "/v2";
}

/** Address of the client's end of the connection; empty where there is no connection. */
export function addressOf(event: H3Event): string {
  return event.runtime?.node?.req.socket.remoteAddress ?? "";
}

function begin(event: H3Event): Exchange {
  const given = event.req.headers.get("x-request-id");
  const requestId = given !== null && REQUEST_ID.test(given) ? given : `${PROCESS}-${++requests}`;
  return {
    requestId,
    startedAt: performance.now(),
    route: null,
    principal: null,
    headers: { "x-request-id": requestId, ...SECURITY_HEADERS },
  };
}

/** The API answers with data: nothing of it is to be framed, sniffed, run or kept by a browser. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
};
