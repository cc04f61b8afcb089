import { open } from "node:fs/promises";
import { StorageError } from "../run-storage.ts";

const CHUNK_BYTES = 4 * 1024 * 1024;
const NEWLINE = 10;

/** One line of a file: bytes `start` to `end` of `chunk`, without the newline. Valid only during the call. */
export type LineHandler = (chunk: Buffer, start: number, end: number) => void;

/**
 * Calls `onLine` for every line in the first `sizeBytes` of a file, in order, in constant memory.
 * @throws {StorageError} naming file and line, where `onLine` throws a SyntaxError
 */
export async function scanLines(path: string, sizeBytes: number, onLine: LineHandler): Promise<void> {
  const chunks = scanChunks(path, sizeBytes, onLine);
  while (!(await chunks.next()).done);
}

/**
 * As `scanLines`, with a pause after each chunk, until it is asked for the next one. The lines of a chunk are handled
 * without one, so that millions of lines cost no promise each.
 */
export async function* scanChunks(
  path: string,
  sizeBytes: number,
  onLine: LineHandler,
): AsyncGenerator<void> {
  const handle = await open(path, "r");
  try {
    let buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    let filled = 0;
    let line = 0;
    for (let position = 0; position < sizeBytes;) {
      // A line longer than the buffer.
      if (filled === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
      const wanted = Math.min(buffer.length - filled, sizeBytes - position);
      const { bytesRead } = await handle.read(buffer, filled, wanted, position);
      if (bytesRead === 0) throw new StorageError(`${path} ends at byte ${position}, expected ${sizeBytes}`);
      position += bytesRead;
      const chunk = buffer.subarray(0, filled + bytesRead);
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE, filled); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        line++;
        try {
          onLine(chunk, start, end);
        } catch (cause) {
          if (!(cause instanceof SyntaxError)) throw cause;
          throw new StorageError(`${path} is damaged at line ${line}: ${cause.message}`, { cause });
        }
        start = end + 1;
      }
      chunk.copyWithin(0, start);
      filled = chunk.length - start;
      yield;
    }
  } finally {
    await handle.close();
  }
}

/**
 * Where a journal's last whole line ends. What follows was never acknowledged: a process died while it wrote it.
 * With nothing behind it, a last line that is not JSON counts as such a rest, too (power loss).
 */
export async function findJournalEnd(path: string): Promise<number> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const end = await findLineStart(size);
    if (end < size) return end;
    const lastLine = Buffer.alloc(end - (await findLineStart(end - 1)));
    await handle.read(lastLine, 0, lastLine.length, end - lastLine.length);
    return isJson(lastLine.toString()) ? end : end - lastLine.length;
  } finally {
    await handle.close();
  }

  /** The byte after the last newline in front of `before`; 0 when there is none. */
  async function findLineStart(before: number): Promise<number> {
    const buffer = Buffer.alloc(64 * 1024);
    for (let end = before; end > 0; end -= buffer.length) {
      const from = Math.max(0, end - buffer.length);
      const { bytesRead } = await handle.read(buffer, 0, end - from, from);
      const newline = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE);
      if (newline !== -1) return from + newline + 1;
    }
    return 0;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
