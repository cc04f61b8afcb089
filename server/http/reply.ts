import { hash } from "node:crypto";
import { pipeline, Readable } from "node:stream";
import { promisify } from "node:util";
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from "node:zlib";
import { type H3Event, HTTPResponse } from "h3";
import { exchangeOf } from "./exchange.ts";

/** Bodies of less characters do not gain by compression. */
const SHORT = 1_024;

/**
 * JSON that exists as text already, as Postgres builds it. Kept as what is sent: bytes outside of the heap, or a short
 * text, which Node sends in one piece with the headers. What is sent more than once is hashed and compressed once.
 */
export class JsonText {
  readonly body: string | Buffer;
  #etag: string | null = null;
  #encodings: Partial<Record<Encoding, Promise<Buffer>>> | null = null;

  constructor(text: string) {
    this.body = text.length < SHORT ? text : Buffer.from(text);
  }

  /** Weak: the same content, whatever its encoding. */
  get etag(): string {
    return (this.#etag ??= `W/"${hash("sha1", this.body, "base64url")}"`);
  }

  encoded(encoding: Encoding): Promise<Buffer> {
    return ((this.#encodings ??= {})[encoding] ??= compressors[encoding](this.body));
  }
}

type Encoding = "br" | "gzip";

/**
 * A response whose headers stay what they are: h3 would make a `Headers` of them, which costs as much as the rest of a
 * small answer. Whoever sends it takes any of the forms that a web response is made with.
 */
class QuickResponse extends HTTPResponse {
  readonly #headers: Record<string, string>;

  constructor(body: unknown, { status, headers }: { status: number; headers: Record<string, string> }) {
    // srvx sends bytes and Node's streams as well, which the type of a web response does not say.
    super(body as ReadableStream | null, { status });
    this.#headers = headers;
  }

  override get headers(): Headers {
    return this.#headers as unknown as Headers;
  }
}

export interface ReplyOptions {
  status?: number;
  /** Beside those of every answer. */
  headers?: Record<string, string> | undefined;
}

/** A text, bytes or a stream with its content type, instead of a value that becomes JSON. */
export class Reply {
  readonly body: string | Uint8Array | Readable | ReadableStream<Uint8Array> | null;
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(body: Reply["body"], { status = 200, headers = {} }: ReplyOptions = {}) {
    this.body = body;
    this.status = status;
    this.headers = headers;
  }

  /** It may last. */
  get isStream(): boolean {
    const { body } = this;
    return body !== null && typeof body !== "string" && !(body instanceof Uint8Array);
  }
}

const compressors = {
  br: (body: string | Buffer) =>
    promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: (body: string | Buffer) => promisify(gzip)(body, { level: 5 }),
};

/**
 * The answer to `event`: a value as JSON, text, bytes or a stream. What can be read again gets an ETag, and a 304 where
 * the client has it; what is worth it is compressed.
 */
export function respond(
  event: H3Event,
  value: unknown,
  { status = 200, headers = {} }: ReplyOptions = {},
): HTTPResponse | Promise<HTTPResponse> {
  // The exchange's own headers: nobody needs them after this.
  const all = Object.assign(exchangeOf(event).headers, headers);
  if (value instanceof Reply) {
    Object.assign(all, value.headers);
    return send(event, value.body, value.status === 200 ? status : value.status, all);
  }
  all["content-type"] ??= "application/json; charset=utf-8";
  const json = value instanceof JsonText ? value : new JsonText(JSON.stringify(value ?? null));
  return sendWhole(event, json, status, all);
}

function send(
  event: H3Event,
  body: Reply["body"],
  status: number,
  headers: Record<string, string>,
): HTTPResponse | Promise<HTTPResponse> {
  if (body === null) return new QuickResponse(null, { status, headers });
  if (typeof body === "string") return sendWhole(event, new JsonText(body), status, headers);
  if (body instanceof Uint8Array) return new QuickResponse(inPieces(body, headers), { status, headers });
  return sendStream(event, body, status, headers);
}

function sendWhole(
  event: H3Event,
  content: JsonText,
  status: number,
  headers: Record<string, string>,
): HTTPResponse | Promise<HTTPResponse> {
  const isRead = event.req.method === "GET" || event.req.method === "HEAD";
  if (isRead && status === 200 && headers["cache-control"] !== "no-store") {
    headers["cache-control"] ??= "private, no-cache";
    headers["etag"] = content.etag;
    if (matches(event.req.headers.get("if-none-match"), headers["etag"]))
      return new QuickResponse(null, { status: 304, headers });
  }
  const encoding = content.body.length < SHORT ? null : chooseEncoding(event, headers);
  if (!encoding) return new QuickResponse(inPieces(content.body, headers), { status, headers });
  return content
    .encoded(encoding)
    .then((body) => new QuickResponse(inPieces(body, headers), { status, headers }));
}

/** A slow client takes so much at a time, by which it is told from one that has stopped. */
const PIECE_BYTES = 64 * 1024;

/** A large body as a stream, which sets its length; a small one as it is. */
function inPieces<Body extends string | Uint8Array>(
  body: Body,
  headers: Record<string, string>,
): Body | Readable {
  if (typeof body === "string" || body.length <= 8 * PIECE_BYTES) return body;
  headers["content-length"] = String(body.length);
  return Readable.from(piecesOf(body), { objectMode: false });
}

/** @param bytes of any size */
export function* piecesOf(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

function sendStream(
  event: H3Event,
  body: Readable | ReadableStream<Uint8Array>,
  status: number,
  headers: Record<string, string>,
): HTTPResponse {
  if (event.req.method === "HEAD") {
    // Nobody reads it: whoever makes it must not wait.
    void (body instanceof ReadableStream ? body.cancel() : body.destroy());
    return new QuickResponse(null, { status, headers });
  }
  const encoding = body instanceof ReadableStream ? null : chooseEncoding(event, headers);
  if (!encoding || body instanceof ReadableStream) return new QuickResponse(body, { status, headers });
  const compressor =
    encoding === "br"
      ? createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })
      : createGzip({ level: 5 });
  // An error of the source ends the compressor with it, and so the answer.
  pipeline(body, compressor, () => undefined);
  return new QuickResponse(compressor, { status, headers });
}

const COMPRESSIBLE = /^(?:text\/|application\/(?:[\w.+-]+\+)?(?:json|xml|x-ndjson|jsonl|javascript)\b)/;

/** Sets the headers of the encoding that it answers with; null: none. */
function chooseEncoding(event: H3Event, headers: Record<string, string>): Encoding | null {
  if (headers["content-encoding"] || !COMPRESSIBLE.test(headers["content-type"] ?? "")) return null;
  headers["vary"] = headers["vary"] ? `${headers["vary"]}, accept-encoding` : "accept-encoding";
  const accepted = event.req.headers.get("accept-encoding") ?? "";
  const encoding = accepts(accepted, "br") ? "br" : accepts(accepted, "gzip") ? "gzip" : null;
  if (encoding) headers["content-encoding"] = encoding;
  return encoding;
}

function accepts(accepted: string, encoding: string): boolean {
  return new RegExp(
    `(?:^|,)\\s*${encoding}\\s*(?:;\\s*q=(?!0(?:\\.0*)?\\s*(?:,|$))[\\d.]+\\s*)?(?:,|$)`,
    "i",
  ).test(accepted);
}

/** RFC 9110, 13.1.2: compared weakly. */
function matches(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  if (ifNoneMatch.trim() === "*") return true;
  const opaque = (tag: string) => tag.trim().replace(/^W\//, "");
  return ifNoneMatch.split(",").some((tag) => opaque(tag) === opaque(etag));
}
