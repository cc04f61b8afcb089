import { constants, open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { StorageError } from "../run-storage.ts";
import { toStorageError } from "./storage-failure.ts";

const SYNC_EVERY_MS = 1000;
/** Of one write: bounds the memory that a large group of lines takes a second time. */
const WRITE_BYTES = 4 * 1024 * 1024;

/** What a step comes to, decided against the state that all steps before it left. */
export interface Decision<T> {
  /** With their newlines; none: nothing has to be stored. */
  lines: readonly string[];
  /** Changes memory once the lines are written, and gives the step's answer. */
  apply(): T;
}

export interface Step<T> {
  /** The request that it decides about. */
  id?: string;
  decide(): Decision<T>;
}

interface WaitingStep {
  id: string | undefined;
  decide(): Decision<void>;
  reject(error: StorageError): void;
}

/**
 * Appends to a file: all steps that come while a write is in flight go out together in the next one. What was written
 * survives the death of the process at once, and that of the machine after a second at most.
 */
export class Journal {
  readonly #path: string;
  readonly #handle: FileHandle;
  #sizeBytes: number;
  #waiting: WaitingStep[] = [];
  #draining: Promise<void> | null = null;
  /** A failed write has left bytes behind `#sizeBytes`. */
  #torn = false;
  #syncTimer: NodeJS.Timeout | undefined;
  #syncFailure: unknown;

  private constructor(path: string, handle: FileHandle, sizeBytes: number) {
    this.#path = path;
    this.#handle = handle;
    this.#sizeBytes = sizeBytes;
  }

  /** @param sizeBytes end of the last good line; what is behind it is cut off */
  static async open(path: string, sizeBytes: number): Promise<Journal> {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT);
    await handle.truncate(sizeBytes);
    return new Journal(path, handle, sizeBytes);
  }

  /** End of the last good line. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Steps run in order. Two about one request never go out together, so each is decided when the one before it is
   * settled.
   * @throws {StorageError} when the lines cannot be written; then nothing has changed, in the file or in memory
   */
  run<T>(step: Step<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        id: step.id,
        decide() {
          const { lines, apply } = step.decide();
          return { lines, apply: () => resolve(apply()) };
        },
        reject,
      });
      this.#draining ??= this.#drain();
    });
  }

  /** A line that changes nothing in memory. */
  write(line: string): Promise<void> {
    return this.run({ decide: () => ({ lines: [line], apply: () => undefined }) });
  }

  /** Waits for all steps, then makes everything durable. */
  async close(): Promise<void> {
    await this.#draining;
    clearTimeout(this.#syncTimer);
    try {
      if (this.#syncFailure !== undefined) throw this.#syncFailure;
      if (this.#torn) await this.#cutOff();
      await this.#handle.datasync();
    } catch (cause) {
      throw this.#failure(cause);
    } finally {
      await this.#handle.close();
    }
  }

  async #drain(): Promise<void> {
    // Whatever else the caller has to say in this turn of the event loop goes out in the same write.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#writeGroup(this.#takeGroup());
    this.#draining = null;
  }

  /** The steps in front, up to the first one about a request that one of them is about. */
  #takeGroup(): WaitingStep[] {
    const ids = new Set<string>();
    let length = 0;
    for (const { id } of this.#waiting) {
      if (id !== undefined && ids.has(id)) break;
      if (id !== undefined) ids.add(id);
      length++;
    }
    return this.#waiting.splice(0, length);
  }

  async #writeGroup(group: readonly WaitingStep[]): Promise<void> {
    const steps = group.map(({ decide, reject }) => ({ ...decide(), reject }));
    let failure: StorageError | null = null;
    try {
      await this.#append(steps.flatMap((step) => step.lines));
    } catch (cause) {
      failure = this.#failure(cause);
    }
    for (const { lines, apply, reject } of steps) {
      if (failure && lines.length > 0) reject(failure);
      else apply();
    }
  }

  async #append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    if (this.#syncFailure !== undefined) throw this.#syncFailure;
    if (this.#torn) await this.#cutOff();
    try {
      let end = this.#sizeBytes;
      for (const bytes of toBuffers(lines)) {
        await this.#writeAt(bytes, end);
        end += bytes.length;
      }
      this.#sizeBytes = end;
    } catch (cause) {
      this.#torn = true;
      // When this fails as well, the next call tries again before it writes.
      await this.#cutOff().catch(() => undefined);
      throw cause;
    }
    this.#syncTimer ??= setTimeout(() => this.#sync(), SYNC_EVERY_MS).unref();
  }

  async #writeAt(bytes: Buffer, position: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }

  async #cutOff(): Promise<void> {
    await this.#handle.truncate(this.#sizeBytes);
    this.#torn = false;
  }

  #sync(): void {
    this.#syncTimer = undefined;
    // What a failed sync lost, nobody can say: nothing is written after it.
    this.#handle.datasync().catch((cause: unknown) => (this.#syncFailure = cause));
  }

  #failure(cause: unknown): StorageError {
    return toStorageError(`cannot write ${this.#path}`, cause);
  }
}

function* toBuffers(lines: readonly string[]): Generator<Buffer> {
  let batch: string[] = [];
  let length = 0;
  for (const line of lines) {
    batch.push(line);
    length += line.length;
    if (length < WRITE_BYTES) continue;
    yield Buffer.from(batch.join(""));
    batch = [];
    length = 0;
  }
  if (length > 0) yield Buffer.from(batch.join(""));
}
