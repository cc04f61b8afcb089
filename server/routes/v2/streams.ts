import { setImmediate } from "node:timers/promises";
import { Readable } from "node:stream";
import { piecesOf } from "../../http/reply.ts";

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

async function* toBytes(parts: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    yield* piecesOf(bytes);
    // While a client takes everything at once, others get their turn as well.
    await setImmediate();
  }
}
