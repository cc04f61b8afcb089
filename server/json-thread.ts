import { Worker } from "node:worker_threads";
import { InvalidInputError } from "../shared/errors.ts";
import { InvalidRunInputError } from "../shared/runs/run.ts";
import { ApiError, unavailable } from "./http/api-error.ts";
import { doJsonWork, type JsonWork } from "./json-work.ts";

/** A body up to this size is done with sooner than a thread has heard of it. */
export const QUICK_BYTES = 8 * 1024;
/** Nine megabytes of small arrays become some three hundred. */
const HEAP_MBYTES = 1_024;
/** What takes longer was made to take long. */
const PATIENCE_MS = 60_000;
/** A thread that has nothing to do gives its memory back. */
const IDLE_MS = 30_000;
/** Of bodies that wait for the thread: they are in memory, twice. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** What the thread answers. */
export type JsonWorkResult =
  | { id: number; json: string }
  | { id: number; error: { name: string; message: string; issues?: InvalidRunInputError["issues"] } };

interface Waiting {
  bytes: number;
  resolve: (json: string) => void;
  reject: (error: Error) => void;
}

/**
 * Parses and checks large bodies in a thread of its own, so that whoever asks meanwhile is answered: one body can take a
 * second. The thread is started when it is needed, and ends when nothing is.
 */
export class JsonThread {
  #worker: Worker | null = null;
  #timer: NodeJS.Timeout | null = null;
  #ids = 0;
  #idleMs = IDLE_MS;
  readonly #waiting = new Map<number, Waiting>();

  /**
   * @throws {SyntaxError | InvalidRunInputError | InvalidInputError} as the work does
   * @throws {ApiError} when there is too much to do, or the body takes more time or memory than any sensible one
   */
  async do(work: JsonWork): Promise<string> {
    if (work.bytes.length <= QUICK_BYTES) return doJsonWork(work);
    const waitingBytes = [...this.#waiting.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    if (waitingBytes > 0 && waitingBytes + work.bytes.length > MAX_WAITING_BYTES) {
      throw unavailable("too many large bodies at once; try again later", 5);
    }
    const worker = (this.#worker ??= this.#start());
    const id = ++this.#ids;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#waiting.set(id, { bytes: work.bytes.length, resolve, reject });
    this.#limitTime();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    worker.postMessage({ id, work });
    return promise;
  }

  /** The server is about to stop: what it has taken is finished. */
  endWhenDone(): void {
    this.#idleMs = 0;
    this.#limitTime();
  }

  #start(): Worker {
    const worker = new Worker(new URL("json-thread-main.ts", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MBYTES },
    });
    // The server's sockets keep the process alive, not this.
    worker.unref();
    worker.on("message", (result: JsonWorkResult) => this.#settle(result));
    worker.on("error", () => this.#giveUp(worker));
    return worker;
  }

  #settle(result: JsonWorkResult): void {
    const waiting = this.#waiting.get(result.id);
    this.#waiting.delete(result.id);
    this.#limitTime();
    if ("json" in result) waiting?.resolve(result.json);
    else waiting?.reject(toError(result.error));
  }

  /** The first of those that wait has so long; when nobody waits, the thread. */
  #limitTime(): void {
    clearTimeout(this.#timer ?? undefined);
    const worker = this.#worker;
    if (!worker) return;
    const ms = this.#waiting.size > 0 ? PATIENCE_MS : this.#idleMs;
    this.#timer = setTimeout(() => this.#giveUp(worker), ms).unref();
  }

  /** Ends the thread. The first of those that wait is what it fails at; the others may try again. */
  #giveUp(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    void worker.terminate();
    const [first, ...others] = this.#waiting.values();
    this.#waiting.clear();
    first?.reject(new ApiError(400, "INVALID_VALUE", "the body takes too much memory or time to be checked"));
    for (const { reject } of others) reject(unavailable("the body could not be checked; try again", 1));
  }
}

function toError({
  name,
  message,
  issues,
}: {
  name: string;
  message: string;
  issues?: InvalidRunInputError["issues"];
}): Error {
  if (issues) return new InvalidRunInputError(issues);
  if (name === "SyntaxError") return new SyntaxError(message);
  return name === "InvalidInputError" ? new InvalidInputError(message) : new Error(message);
}
