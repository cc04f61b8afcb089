import { promisify } from "node:util";
import zlib from "node:zlib";

/** The encodings that decodeBody reads, as an `accept-encoding` header. */
export const ACCEPT_ENCODING = "gzip, deflate, br";

/** Cap of a body, before or after decompression. */
export class BodyTooLargeError extends Error {
  constructor(maxBytes: number) {
    super(`body over ${maxBytes / 2 ** 20} MB`);
  }
}

export class BadEncodingError extends Error {}

/**
 * @param encoding the answer's `content-encoding`
 * @throws {BodyTooLargeError} as soon as the output passes `maxBytes`; nothing beyond is inflated
 * @throws {BadEncodingError} for a broken or truncated body, and for encodings that were not asked for
 */
export async function decodeBody(
  body: Buffer,
  encoding: string | undefined,
  maxBytes: number,
): Promise<Buffer> {
  if (body.length === 0) return body;
  const limit = { maxOutputLength: maxBytes };
  try {
    switch (encoding?.trim().toLowerCase() ?? "identity") {
      case "identity":
        return body;
      case "gzip":
      case "x-gzip":
        return await gunzip(body, limit);
      case "deflate":
        // Some servers send raw deflate; zlib's header has 8 in the low half of its first byte (RFC 1950 §2.2).
        return await ((body[0]! & 0x0f) === 8 ? inflate : inflateRaw)(body, limit);
      case "br":
        return await brotliDecompress(body, limit);
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw new BodyTooLargeError(maxBytes);
    throw new BadEncodingError(`body is not ${encoding}: ${(cause as Error).message}`, { cause });
  }
  throw new BadEncodingError(`content-encoding ${encoding} was not asked for`);
}

const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip);
const inflate = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate);
const inflateRaw = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflateRaw);
const brotliDecompress = promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress);
