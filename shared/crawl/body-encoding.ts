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

/** Registered codings that are never asked for, and cannot be read. @see https://www.iana.org/assignments/http-parameters */
const UNREADABLE = new Set(["compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip", "sdch", "zstd"]);
/** Codings of one body at most: each may inflate it anew. */
const MAX_CODINGS = 5;

/**
 * As browsers read it: a list of codings is undone from its end, and a name that is no coding (`none`, `utf-8`,
 * `identity`) says nothing.
 *
 * @param encoding the answer's `content-encoding`
 * @throws {BodyTooLargeError} as soon as the output passes `maxBytes`; nothing beyond is inflated
 * @throws {BadEncodingError} for a broken or truncated body, and for encodings that were not asked for
 */
export async function decodeBody(
  body: Buffer,
  encoding: string | undefined,
  maxBytes: number,
): Promise<Buffer> {
  const codings = (encoding ?? "").split(",").map((name) => name.trim().toLowerCase());
  if (codings.length > MAX_CODINGS) throw new BadEncodingError(`${codings.length} content-encodings`);
  let decoded = body;
  for (const coding of codings.toReversed()) decoded = await decodeOne(decoded, coding, maxBytes);
  return decoded;
}

async function decodeOne(body: Buffer, coding: string, maxBytes: number): Promise<Buffer> {
  if (body.length === 0) return body;
  if (UNREADABLE.has(coding)) throw new BadEncodingError(`content-encoding ${coding} was not asked for`);
  const limit = { maxOutputLength: maxBytes };
  try {
    switch (coding) {
      case "gzip":
      case "x-gzip":
        return await gunzipMembers(body, limit);
      case "deflate":
      case "x-deflate":
        return await (hasZlibHeader(body) ? inflate : inflateRaw)(body, limit);
      case "br":
        return await brotliDecompress(body, limit);
      default:
        return body;
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw new BodyTooLargeError(maxBytes);
    throw new BadEncodingError(`body is not ${coding}: ${(cause as Error).message}`, { cause });
  }
}

/** Some servers send raw deflate (RFC 1950 §2.2 has what tells the two apart). */
function hasZlibHeader(body: Buffer): boolean {
  return (body[0]! & 0x0f) === 8 && body.length > 1 && body.readUInt16BE(0) % 31 === 0;
}

/** The members of a gzip body. What stands behind them is ignored, which zlib takes for a broken one. */
async function gunzipMembers(body: Buffer, limit: Limit): Promise<Buffer> {
  try {
    return await gunzip(body, limit);
  } catch (error) {
    if (!["Z_DATA_ERROR", "Z_BUF_ERROR"].includes((error as NodeJS.ErrnoException).code!)) throw error;
  }
  const members: Buffer[] = [];
  let sizeBytes = 0;
  for (let rest = body; members.length === 0 || isGzip(rest);) {
    const end = await endOfMember(rest, limit);
    const maxOutputLength = Math.max(1, limit.maxOutputLength - sizeBytes);
    const member = await gunzip(rest.subarray(0, end), { maxOutputLength });
    sizeBytes += member.length;
    members.push(member);
    rest = rest.subarray(end);
  }
  return Buffer.concat(members);
}

/** @see RFC 1952 §2.3 */
async function endOfMember(body: Buffer, limit: Limit): Promise<number> {
  const flags = body[3] ?? 0;
  let at = 10;
  if (flags & 0x04) at += 2 + body.readUInt16LE(at);
  // The file's name and a comment, each closed by a zero.
  for (const flag of [0x08, 0x10]) if (flags & flag) at = body.indexOf(0, at) + 1;
  if (flags & 0x02) at += 2;
  const { engine } = await inflateRawWithInfo(body.subarray(at), { ...limit, info: true });
  return at + engine.bytesWritten + TRAILER_BYTES;
}

function isGzip(body: Buffer): boolean {
  return body[0] === 0x1f && body[1] === 0x8b;
}

type Limit = Required<Pick<zlib.ZlibOptions, "maxOutputLength">>;

/** Checksum and length behind a gzip member. */
const TRAILER_BYTES = 8;

const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip);
const inflate = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate);
const inflateRaw = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflateRaw);
/** With the engine, which tells how much of its input it took. */
const inflateRawWithInfo = inflateRaw as unknown as (
  body: Buffer,
  options: zlib.ZlibOptions,
) => Promise<{ engine: zlib.InflateRaw }>;
const brotliDecompress = promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress);
