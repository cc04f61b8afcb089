import { isAway } from "../db/retry.ts";
import { isFinal, type Run } from "./run.ts";

const POLL_MS = 300;

interface Waiter {
  id: string;
  resolve: (run: Run | undefined) => void;
}

/** Everybody who waits for the end of some run: one question to the database for all of them, as long as there are any. */
export class Waiters {
  readonly #read: (ids: string[]) => Promise<Run[]>;
  readonly #onError: (error: Error) => void;
  readonly #waiting = new Set<Waiter>();
  #polling = false;

  constructor(read: (ids: string[]) => Promise<Run[]>, onError: (error: Error) => void) {
    this.#read = read;
    this.#onError = onError;
  }

  /** The run when it is over, or as it is after `secs`, or when `signal` aborts; `undefined`: there is none. */
  async wait(id: string, { secs, signal }: { secs: number; signal?: AbortSignal }): Promise<Run | undefined> {
    const [run] = await this.#read([id]);
    if (!run || isFinal(run.status) || secs <= 0 || signal?.aborted) return run;
    const { promise, resolve } = Promise.withResolvers<Run | undefined>();
    const waiter = { id, resolve };
    const giveUp = () =>
      void this.#read([id]).then(
        ([last]) => resolve(last),
        () => resolve(run),
      );
    const timer = setTimeout(giveUp, secs * 1000);
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#waiting.add(waiter);
    void this.#poll();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
      this.#waiting.delete(waiter);
    }
  }

  /** Lets everybody go with the run as it is. */
  async close(): Promise<void> {
    await this.#answer(() => true).catch(this.#onError);
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    while (this.#waiting.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      await this.#answer((run) => isFinal(run.status)).catch(
        (error: Error) => isAway(error) || this.#onError(error),
      );
    }
    this.#polling = false;
  }

  async #answer(isOver: (run: Run) => boolean): Promise<void> {
    const waiting = [...this.#waiting];
    if (waiting.length === 0) return;
    const runs = new Map(
      (await this.#read([...new Set(waiting.map(({ id }) => id))])).map((run) => [run.id, run]),
    );
    for (const { id, resolve } of waiting) {
      const run = runs.get(id);
      if (!run || isOver(run)) resolve(run);
    }
  }
}
