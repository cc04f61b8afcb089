/** An answer's headers go out with its first part: that one must not take long. */
const FIRST_MS = 1_000;
/** Time is up. */
const SILENT: unique symbol = Symbol("silent");

/**
 * The parts of `source`, and `beat` whenever there was none for `everyMs`, or for a second at the beginning: a reader can
 * tell that it is alive. Nothing comes between the parts of one line.
 */
export async function* withHeartbeat(
  source: AsyncIterable<string>,
  beat: string,
  everyMs: number,
): AsyncGenerator<string> {
  const parts = source[Symbol.asyncIterator]();
  let isLineStart = true;
  let silentMs = Math.min(FIRST_MS, everyMs);
  try {
    for (let next = parts.next(); ;) {
      const part = await firstOf(next, silentMs);
      silentMs = everyMs;
      if (part === SILENT) {
        if (isLineStart) yield beat;
        continue;
      }
      if (part.done) return;
      yield part.value;
      isLineStart = part.value.endsWith("\n");
      next = parts.next();
    }
  } finally {
    await parts.return?.();
  }
}

async function firstOf<Value>(next: Promise<Value>, ms: number): Promise<Value | typeof SILENT> {
  const { promise, resolve } = Promise.withResolvers<typeof SILENT>();
  const timer = setTimeout(resolve, ms, SILENT);
  try {
    return await Promise.race([next, promise]);
  } finally {
    clearTimeout(timer);
  }
}
