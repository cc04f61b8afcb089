import { setImmediate } from "node:timers/promises";
import { Readable } from "node:stream";

/**
 * Text as the stream of an answer; it is read as fast as the client takes it, and no further when the client has gone.
 * @param live each part goes out at once: it is not held back to be compressed
 */
export function toStream(
  parts: AsyncIterable<string | Uint8Array>,
  { live = false } = {},
): Readable | ReadableStream<Uint8Array> {
  const bytes = toBytes(parts);
  return live ? ReadableStream.from(bytes) : Readable.from(bytes, { objectMode: false });
}

/** A slow client takes so much at a time, by which it is told from one that has stopped. */
const PART_BYTES = 64 * 1024;

async function* toBytes(parts: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    for (let at = 0; at < bytes.length; at += PART_BYTES) yield bytes.subarray(at, at + PART_BYTES);
    // While a client takes everything at once, others get their turn as well.
    await setImmediate();
  }
}
