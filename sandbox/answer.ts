import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { Fault } from "./faults.ts";

/** A request as a site's code sees it. */
export interface SiteRequest {
  method: string;
  /** Without query; still with the prefix that names the host. */
  path: string;
  /** Path and query, as it came. */
  url: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Where the connection comes from. */
  address: string;
  body: string;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** ASCII: JSON escapes all else. */
  body: string;
}

/** An answer, what the access log says about it, and what is to go wrong when it is sent. */
export interface Exchange {
  answer: Answer;
  client: string | null;
  endpoint: string | null;
  used: number | null;
  window: number | null;
  fault: Fault | null;
  /** Whom it is about. */
  creator?: string | null;
  /** US dollars; absent for what costs nothing. */
  priceUsd?: number;
}

const MBYTE = 2 ** 20;
const TRICKLES = 20;
/** Bytes. Packing a whole page of posts would cost more than making it. */
const [PACKED_FROM, PACKED_BELOW] = [1000, 32_000];

/**
 * Sends `answer`, in the way that `fault` demands. Settles when all is sent or the client is gone.
 * @param packs whether the client takes gzip; what is neither tiny nor large is sent so
 */
export async function sendAnswer(
  response: ServerResponse,
  answer: Answer,
  { fault, packs }: { fault: Fault | null; packs: boolean },
): Promise<void> {
  const body = Buffer.from(answer.body, "latin1");
  const head = (headers: Record<string, string | number>): ServerResponse =>
    response.writeHead(answer.status, { ...answer.headers, ...headers });
  switch (fault?.kind) {
    case "truncated_json": {
      const half = body.subarray(0, body.length / 2);
      head({ "content-length": half.length }).end(half);
      return;
    }
    case "reset": {
      if (fault.at === "headers") return destroy(response);
      head({ "content-length": body.length }).write(body.subarray(0, body.length / 2), () =>
        destroy(response),
      );
      return;
    }
    case "slow_headers":
      await sleep(fault.delay_ms, undefined, { ref: false });
      break;
    case "slow_body":
      return stream(head({ "content-length": body.length }), trickle(body, fault.delay_ms));
    case "gzip_bomb": {
      const bomb = gzipOfSpaces(fault.size_mbytes ?? 300);
      head({ "content-encoding": "gzip", "content-length": bomb.length }).end(bomb);
      return;
    }
    case "giant_body":
      return stream(head({}), padding(body, fault.size_mbytes ?? 20));
    default:
  }
  if (packs && body.length > PACKED_FROM && body.length < PACKED_BELOW) {
    const packed = gzipSync(body, { level: 1 });
    head({ "content-encoding": "gzip", "content-length": packed.length }).end(packed);
  } else head({ "content-length": body.length }).end(body);
}

function destroy(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

async function stream(
  response: ServerResponse,
  source: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<void> {
  // A client that stops reading is what these answers are for.
  await pipeline(Readable.from(source), response).catch(() => {});
}

async function* trickle(body: Buffer, durationMs: number): AsyncGenerator<Buffer> {
  const size = Math.ceil(body.length / TRICKLES);
  for (let start = 0; start < body.length; start += size) {
    await sleep(durationMs / TRICKLES, undefined, { ref: false });
    yield body.subarray(start, start + size);
  }
}

/** The right answer after as many megabytes of white space, which JSON allows. */
function* padding(body: Buffer, sizeMbytes: number): Generator<Buffer> {
  const space = Buffer.alloc(MBYTE, " ");
  for (let sent = 0; sent < sizeMbytes; sent++) yield space;
  yield body;
}

/** About 1 kB sent a megabyte: gzip may be a sequence of members (RFC 1952, 2.2). */
function gzipOfSpaces(sizeMbytes: number): Buffer {
  const member = gzipSync(Buffer.alloc(MBYTE, " "), { level: 9 });
  return Buffer.concat(Array.from({ length: sizeMbytes }, () => member));
}
