import { writeSync } from "node:fs";

/** How long a line waits for a reader that is slower than the log. */
const PATIENCE_MS = 1_000;
const PAUSE_MS = 10;

/**
 * Standard output and error that cannot be written are no reason to end: not a closed pipe, not a full disk. For both,
 * Node would otherwise throw what nobody catches.
 * @param isPrinter for a command that only prints: it ends quietly when its reader does, as `… | head`
 */
export function surviveOutput({ isPrinter }: { isPrinter: boolean }): void {
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE") {
      // Whoever wanted what is missing must hear of it.
      if (!process.exitCode) process.stderr.write(`standard output cannot be written: ${message}\n`);
      process.exitCode ||= 1;
    } else if (isPrinter) process.exit();
  });
}

/** Takes lines one by one, at once. */
export interface LineWriter {
  write(line: string): void;
}

/**
 * Writes lines to a file descriptor, so that the last one before an exit is there. One that cannot be written is dropped:
 * no reader, no room, or a reader that stands still.
 */
export function createLineWriter(fd: number): LineWriter {
  let isTorn = false;
  let patienceMs = PATIENCE_MS;
  return {
    write(line) {
      const bytes = Buffer.from(isTorn ? `\n${line}` : line);
      let written = 0;
      try {
        while (written < bytes.length) written += writeSome(fd, bytes.subarray(written), patienceMs);
        patienceMs = PATIENCE_MS;
        isTorn = false;
      } catch (error) {
        // The next ones do not wait again.
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") patienceMs = 0;
        isTorn ||= written > 0;
      }
    },
  };
}

/** @throws {Error} EAGAIN when there is no room for so long, in a pipe that does not block */
function writeSome(fd: number, bytes: Buffer, patienceMs: number): number {
  for (const until = performance.now() + patienceMs; ;) {
    try {
      return writeSync(fd, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || performance.now() >= until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
