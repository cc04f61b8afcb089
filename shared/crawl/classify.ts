import { isUtf8 } from "node:buffer";
import { STATUS_CODES } from "node:http";
import { redact } from "../redact.ts";
import type { HttpAnswer } from "./http-client.ts";
import { parseJsonExact } from "./json.ts";
import type { Availability, Headers, Outcome } from "./outcome.ts";
import { findRetryHint, parseRetryAfter } from "./retry-after.ts";
import type { TransportFailure } from "./transport-failure.ts";

/** What a site states about a target instead of its content. */
export interface Fact {
  reason: string;
  /** `null` when it proves nothing about the target. */
  availability: Availability | null;
}

/** What only one site's answers mean. Where a rule is missing or says `null`, the general rules decide. */
export interface SiteRules {
  /** Any JSON answer, before all else: for a site whose statuses do not mean what HTTP says. */
  readAnswer?(answer: {
    status: number;
    headers: Headers;
    body: Readonly<Record<string, unknown>>;
    answeredAt: number;
    /** That was asked. */
    url: string;
  }): Outcome | null;
  /** A JSON answer of 400, 403 or 404. */
  readFact?(status: number, body: Readonly<Record<string, unknown>>): Fact | null;
  /** A redirect; none is ever followed. */
  readRedirect?(location: URL): Fact | null;
}

const PREVIEW_CHARS = 200;

/** Marks of pages that are shown to clients, not to targets; what they are called, and how they are known. */
const BLOCK_PAGES: readonly (readonly [name: string, mark: RegExp])[] = [
  ["JS challenge", /js_challenge|jsc_orig_r|cf[-_]chl|wait for verification|enable javascript and cookies/i],
  ["captcha", /captcha|verify (?:that )?you are (?:a )?human/i],
  ["network policy", /network policy/i],
  ["network security", /network security/i],
  [
    "block page",
    /<title>\s*(?:blocked|access denied|forbidden)|you(?:'ve| have) been blocked|unusual traffic/i,
  ],
];

/** Pages that a client is sent to, not a target. */
const WALL_PATH =
  /^\/(?:accounts?\/)?(?:login|signin|register|consent|blocked|captcha|challenge|checkpoint)(?:[/.]|$)|\/accounts\/login(?:\/|$)/i;
const WALL_HOST = /^(?:login|accounts?|consent)\./i;

/**
 * What an exchange came to. JSON speaks about the target; a page of HTML or text where JSON was asked for speaks
 * about our client, and changes no target. Reasons and previews are free of secrets.
 */
export function classify(answer: HttpAnswer | TransportFailure, rules: SiteRules): Outcome {
  if ("failure" in answer) return classifyFailure(answer);
  const { status, headers, answeredAt, url } = answer;
  const text = readText(answer);
  const json = parseJson(text);
  const told = json && rules.readAnswer?.({ status, headers, body: { ...json }, answeredAt, url });
  if (told) return told;
  if (isServerError(status)) return { kind: "serverError", status, reason: statusText(status) };
  if (TOO_FAST.has(status)) return throttled(answer, text);
  if (status >= 300 && status < 400) return classifyRedirect(answer, rules);
  if (status === 401) {
    const reason = challengeError(answer) ?? textField(json, "message") ?? "unauthorized";
    return { kind: "unauthorized", status, headers, reason };
  }
  if (status >= 400) return classifyRefusal(answer, text, json, rules);
  const error = json && heldError(json);
  if (error) return classifyHeldError(answer, text, error);
  if (json !== undefined) return { kind: "ok", status, headers, body: json };
  const page = isJsonLike(text) ? null : blockPage(text);
  return page ? { kind: "blocked", status, reason: page } : malformed(status, text);
}

/** 408 and its like: the same request may do better on another connection, or later. */
function isServerError(status: number): boolean {
  return status >= 500 || [408, 421, 425].includes(status);
}

/** 420 is what some servers had before 429. */
const TOO_FAST = new Set([420, 429]);

function throttled({ status, headers, answeredAt }: HttpAnswer, text: string): Outcome {
  const retryAfterMs = parseRetryAfter(headers["retry-after"], answeredAt) ?? findRetryHint(text);
  return { kind: "throttled", status, headers, retryAfterMs };
}

/** The status of an error that stands where content was asked for: `{"message": "…", "error": 500}`. */
function heldError(json: object): number | null {
  const error = Number(Reflect.get(json, "error"));
  return error >= 400 && error < 600 ? error : null;
}

/** A success that holds an error tells nothing of the target for certain: it is asked for again. */
function classifyHeldError(answer: HttpAnswer, text: string, error: number): Outcome {
  const { status } = answer;
  if (TOO_FAST.has(error)) return throttled(answer, text);
  const reason = `${statusText(error)} in an answer of ${status}`;
  return isServerError(error) ? { kind: "serverError", status, reason } : malformed(status, text, reason);
}

function classifyFailure({ failure, message, viaProxy, status, isCutOff }: TransportFailure): Outcome {
  const cut = isCutOff && { isCutOff };
  if (failure === "proxy") return { kind: "blocked", status: null, reason: message, ...cut };
  // A body has a status.
  if (failure === "tooLarge") return { kind: "malformed", status: status!, reason: message, preview: "" };
  const path = viaProxy ? " through the proxy" : "";
  return { kind: "serverError", status: null, reason: `${failure}${path}: ${message}`, ...cut };
}

function classifyRedirect({ status, headers, url }: HttpAnswer, rules: SiteRules): Outcome {
  const location = headers["location"];
  const target = location === undefined ? null : URL.parse(location, url);
  const fact = target && rules.readRedirect?.(target);
  if (!fact && target && (WALL_PATH.test(target.pathname) || WALL_HOST.test(target.hostname))) {
    return { kind: "blocked", status, reason: `redirect to ${target.host}${target.pathname}` };
  }
  const gone = fact ?? { reason: "redirect", availability: null };
  const to = target?.href ?? location;
  return { kind: "gone", status, headers, ...gone, body: null, ...(to !== undefined && { location: to }) };
}

/** 4xx, but for those that speak of the token, the speed or the server. */
function classifyRefusal(
  answer: HttpAnswer,
  text: string,
  json: object | undefined,
  rules: SiteRules,
): Outcome {
  const { status, headers } = answer;
  const gone = (fact: Fact): Outcome => ({ kind: "gone", status, headers, ...fact, body: json ?? null });
  if (![400, 403, 404].includes(status)) return gone({ reason: statusWord(status), availability: null });
  if (json === undefined) {
    if (status === 404) return malformed(status, text);
    const page = blockPage(text);
    // Text of 400 is about the request ("Your browser sent an invalid request."), that of 403 about who sends it.
    if (status === 400 && page === null) return gone({ reason: statusWord(status), availability: null });
    return { kind: "blocked", status, reason: `${statusText(status)}: ${page ?? firstWords(text)}` };
  }
  const fact = rules.readFact?.(status, { ...json });
  if (fact) return gone(fact);
  const reason = textField(json, "reason");
  if (status === 404) return gone({ reason: "not_found", availability: "not_found" });
  if (status === 403)
    return gone({ reason: reason ?? challengeError(answer) ?? "forbidden", availability: null });
  return gone({ reason: reason ?? textField(json, "message") ?? "bad_request", availability: null });
}

function malformed(status: number, text: string, reason = describeNonJson(text)): Outcome {
  const preview = redact(text.slice(0, 2 * PREVIEW_CHARS))
    .slice(0, PREVIEW_CHARS)
    .toWellFormed();
  return { kind: "malformed", status, reason, preview };
}

function describeNonJson(text: string): string {
  if (text.trim() === "") return "empty body";
  if (isJsonLike(text)) return "truncated or broken JSON";
  return /^\s*</.test(text) ? "HTML instead of JSON" : "text instead of JSON";
}

/** JSON is UTF-8 (RFC 8259 §8.1); what cannot be is read by its mark, or by its `charset`. */
function readText({ body, headers }: HttpAnswer): string {
  const charset = /\bcharset="?([\w-]+)/i.exec(headers["content-type"] ?? "")?.[1] ?? "utf-8";
  const mark = body.length > 1 ? body.readUInt16BE(0) : 0;
  if (mark === 0xfffe || mark === 0xfeff) return decode(body, mark === 0xfffe ? "utf-16le" : "utf-16be");
  if (/^utf-?16/i.test(charset)) return decode(body, charset);
  return decode(body, isUtf8(body) ? "utf-8" : charset);
}

function decode(body: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(body);
  } catch (error) {
    // Some servers name a charset that does not exist.
    if (error instanceof RangeError) return new TextDecoder().decode(body);
    throw error;
  }
}

/** An object or a list; `undefined` for anything else: a lone word or number is no answer of an API. */
function parseJson(text: string): object | undefined {
  if (!isJsonLike(text)) return undefined;
  try {
    // It begins like an object or a list, so it is one if it parses.
    return parseJsonExact(text) as object;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function isJsonLike(text: string): boolean {
  return /^\s*[[{]/.test(text);
}

function blockPage(text: string): string | null {
  return BLOCK_PAGES.find(([, mark]) => mark.test(text))?.[0] ?? null;
}

/** The text of a page that nobody knows, for a reason. */
function firstWords(text: string): string {
  const words = text
    .slice(0, 2_000)
    .replace(/<[^>]*>?/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return redact(words).slice(0, 100).toWellFormed() || "empty body";
}

/** `error="…"` of the challenge: why the token does not do (RFC 6750 §3). */
function challengeError({ headers }: HttpAnswer): string | null {
  return /\berror="([\w.-]+)"/.exec(headers["www-authenticate"] ?? "")?.[1] ?? null;
}

function textField(body: object | undefined, name: string): string | null {
  const value: unknown = body && Reflect.get(body, name);
  return typeof value === "string" && value !== ""
    ? redact(value).slice(0, PREVIEW_CHARS).toWellFormed()
    : null;
}

function statusText(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ""}`.trimEnd();
}

/** `unavailable_for_legal_reasons`. */
function statusWord(status: number): string {
  const name = STATUS_CODES[status] ?? `status ${status}`;
  return name.toLowerCase().replace(/[^a-z\d]+/g, "_");
}
