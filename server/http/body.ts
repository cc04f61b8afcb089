import { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { H3Event } from "h3";
import { assertBounded, parseBoundedJson } from "../../shared/bounded-json.ts";
import { ApiError, invalidRequest } from "./api-error.ts";

const DECODERS = {
  br: createBrotliDecompress,
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
} as const;

/**
 * The request's body, decompressed. The cap is on what comes out, so that a small body cannot become a large one.
 * @throws {ApiError} 413 beyond `maxBytes`, 415 for an encoding that is none of br, gzip and deflate, 400 when broken
 */
export async function readRawBody(event: H3Event, maxBytes: number): Promise<Buffer> {
  const body = event.req.body;
  if (!body) return Buffer.alloc(0);
  const encoding = event.req.headers.get("content-encoding")?.trim().toLowerCase() || "identity";
  if (encoding !== "identity" && !Object.hasOwn(DECODERS, encoding)) {
    throw new ApiError(
      415,
      "UNSUPPORTED_CONTENT_ENCODING",
      `content-encoding: expected br, gzip, deflate or identity, got ${JSON.stringify(encoding)}`,
      { headers: { "accept-encoding": "br, gzip, deflate" } },
    );
  }
  const source = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
  try {
    if (encoding !== "identity") return await decode(source, encoding as keyof typeof DECODERS, maxBytes);
    // A length that is too large is refused before anything of it is kept.
    if (Number(event.req.headers.get("content-length")) > maxBytes) throw tooLarge(maxBytes);
    return await collect(source, maxBytes);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, "INVALID_REQUEST", "the connection ended before the body did", { cause: error });
  } finally {
    discardRest(source);
  }
}

async function decode(source: Readable, encoding: keyof typeof DECODERS, maxBytes: number): Promise<Buffer> {
  const decoder = DECODERS[encoding]();
  source.on("error", (error) => decoder.destroy(error));
  try {
    return await collect(source.pipe(decoder), maxBytes);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, "INVALID_REQUEST", `the body is not ${encoding}`, { cause: error });
  } finally {
    source.unpipe(decoder);
    decoder.destroy();
  }
}

/**
 * What is left of a refused body is read to nowhere, for as long as the server's requestTimeout allows. Closing the
 * connection instead would take the answer from a client that is still sending, and take the socket from under what
 * listens to the answer's end.
 */
function discardRest(source: Readable): void {
  source.on("error", () => {}); // The client went: there is nobody left to tell.
  source.resume();
}

/** What is parsed while others wait. Run inputs and items, which may be larger, are not. */
const MAX_PARSED_BYTES = 256 * 1024;

/** The request's body as JSON; `undefined` when it is empty. */
export async function readJsonBody(event: H3Event, maxBytes: number): Promise<unknown> {
  const raw = await readJsonBytes(event, maxBytes);
  if (raw.length === 0) return undefined;
  return parseJson("body", () => {
    // What is wrong with its beginning says more than its size.
    assertBounded(raw.subarray(0, MAX_PARSED_BYTES));
    if (raw.length > MAX_PARSED_BYTES) throw tooLarge(MAX_PARSED_BYTES);
    return parseBoundedJson(raw);
  });
}

/** The request's body, which says that it is JSON. */
export async function readJsonBytes(event: H3Event, maxBytes: number): Promise<Buffer> {
  const raw = await readRawBody(event, maxBytes);
  const type = event.req.headers.get("content-type");
  if (raw.length > 0 && type !== null && !/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) {
    throw new ApiError(
      415,
      "UNSUPPORTED_MEDIA_TYPE",
      `content-type: expected application/json, got ${JSON.stringify(type)}`,
    );
  }
  return raw;
}

/** What is no JSON is the client's mistake. @param what is parsed */
export async function parseJson<Value>(what: string, parse: () => Value): Promise<Awaited<Value>> {
  try {
    return await parse();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalidRequest([`${what}: expected JSON, got something else (${error.message})`]);
  }
}

async function collect(stream: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError(413, "REQUEST_TOO_LARGE", `the body is too large, the limit is ${maxBytes} bytes`);
}
