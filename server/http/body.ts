import { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { H3Event } from "h3";
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
  // A length that is too large is refused before anything of it is read.
  if (encoding === "identity" && Number(event.req.headers.get("content-length")) > maxBytes)
    throw tooLarge(maxBytes);
  const source = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
  if (encoding === "identity") return collect(source, maxBytes);
  const decoder = DECODERS[encoding as keyof typeof DECODERS]();
  source.on("error", (error) => decoder.destroy(error));
  try {
    return await collect(source.pipe(decoder), maxBytes);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, "INVALID_REQUEST", `the body is not ${encoding}`, { cause: error });
  } finally {
    source.destroy();
  }
}

/** The request's body as JSON; `undefined` when it is empty. */
export async function readJsonBody(event: H3Event, maxBytes: number): Promise<unknown> {
  const raw = await readRawBody(event, maxBytes);
  if (raw.length === 0) return undefined;
  const type = event.req.headers.get("content-type");
  if (type !== null && !/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) {
    throw new ApiError(
      415,
      "UNSUPPORTED_MEDIA_TYPE",
      `content-type: expected application/json, got ${JSON.stringify(type)}`,
    );
  }
  try {
    return JSON.parse(raw.toString("utf8")) as unknown;
  } catch (error) {
    throw invalidRequest([`body: expected JSON, got something else (${(error as Error).message})`]);
  }
}

async function collect(stream: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): ApiError {
  // The rest of the body is not read, so nothing else can come over this connection.
  return new ApiError(413, "REQUEST_TOO_LARGE", `the body is too large, the limit is ${maxBytes} bytes`, {
    headers: { connection: "close" },
  });
}
