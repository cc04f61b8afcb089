import { LRUCache } from "lru-cache";
import { steadyNow } from "../../shared/steady-clock.ts";
import { JsonText } from "./reply.ts";

/** Answers of all routes together. */
const MAX_ENTRIES = 1_000;
const MAX_BYTES = 32_000_000;
/** Pages of a thousand rows are read once, by programs. */
const MAX_ANSWER_BYTES = 300_000;

export interface CachedAnswer {
  answer: JsonText;
  /** When its making began, as `steadyNow()`: what it says may be as old. */
  at: number;
}

export interface CacheCounts {
  hits: number;
  misses: number;
}

/**
 * Answers as they were made, for a while. Who asks for what is being made waits for it: a burst of equal requests is
 * one question to the database. What is asked for in the second half of its time is made anew meanwhile: nobody waits
 * for what many want.
 */
export class AnswerCache {
  readonly counts: CacheCounts = { hits: 0, misses: 0 };
  readonly #isEnabled: boolean;
  readonly #pending = new Map<string, Promise<CachedAnswer>>();
  readonly #kept = new LRUCache<string, CachedAnswer>({
    max: MAX_ENTRIES,
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_ANSWER_BYTES,
    sizeCalculation: ({ answer }) => answer.body.length,
    perf: { now: steadyNow },
  });
  /** Counts the calls of `clear`: what was begun before one is not kept. */
  #generation = 0;

  constructor(isEnabled: boolean) {
    this.#isEnabled = isEnabled;
  }

  /** @param isFresh the client wants nothing that is kept */
  async get(
    key: string,
    ttlMs: number,
    isFresh: boolean,
    make: () => Promise<JsonText>,
  ): Promise<CachedAnswer> {
    if (!this.#isEnabled) return begin(make);
    const kept = isFresh ? undefined : this.#kept.get(key);
    const pending = isFresh ? undefined : this.#pending.get(key);
    if (!kept && !pending) {
      this.counts.misses++;
      return this.#make(key, ttlMs, make);
    }
    this.counts.hits++;
    if (kept && !pending && steadyNow() - kept.at > ttlMs / 2) {
      // When it fails, who asks after the kept one's time is told.
      this.#make(key, ttlMs, make).catch(() => undefined);
    }
    return kept ?? pending!;
  }

  async #make(key: string, ttlMs: number, make: () => Promise<JsonText>): Promise<CachedAnswer> {
    const generation = this.#generation;
    const making = begin(make);
    this.#pending.set(key, making);
    try {
      const made = await making;
      if (generation === this.#generation) this.#kept.set(key, made, { ttl: ttlMs, start: made.at });
      return made;
    } finally {
      if (this.#pending.get(key) === making) this.#pending.delete(key);
    }
  }

  /** Forgets everything: something was changed. */
  clear(): void {
    this.#generation++;
    this.#pending.clear();
    this.#kept.clear();
  }
}

async function begin(make: () => Promise<JsonText>): Promise<CachedAnswer> {
  const at = steadyNow();
  return { answer: await make(), at };
}
