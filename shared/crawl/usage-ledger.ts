/** One call to a provider, as `record_usage` takes it. */
export interface UsageEntry {
  /** ISO 8601. */
  at: string;
  provider: string;
  endpoint: string;
  /** HTTP status; `null`: no answer. */
  status: number | null;
  /** Calls, or what else the provider counts. */
  units: number;
  cost_usd: number;
}

export interface UsageLedgerOptions {
  /** Keeps entries for good. Called with all that came in one turn of the event loop. */
  write?: (entries: readonly UsageEntry[]) => Promise<void>;
  /** What earlier processes of the run have spent. @default 0 */
  spentUsd?: number;
  onError?: (error: Error) => void;
}

/** Calls and costs of a run. Written outside of commits: a call has happened, whatever becomes of its answer. */
export class UsageLedger {
  /** By provider, of this process. */
  readonly totals: Record<string, { calls: number; costUsd: number }> = {};
  readonly #options: Required<UsageLedgerOptions>;
  #spentUsd: number;
  #waiting: UsageEntry[] = [];
  #writing: Promise<void> | null = null;

  constructor({ write = async () => {}, spentUsd = 0, onError = () => {} }: UsageLedgerOptions = {}) {
    this.#options = { write, spentUsd, onError };
    this.#spentUsd = spentUsd;
  }

  /** Of the whole run, as far as this process knows. */
  get spentUsd(): number {
    return this.#spentUsd;
  }

  record(entry: UsageEntry): void {
    this.#spentUsd += entry.cost_usd;
    const total = (this.totals[entry.provider] ??= { calls: 0, costUsd: 0 });
    total.calls += entry.units;
    total.costUsd += entry.cost_usd;
    this.#waiting.push(entry);
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when all is written, or could not be. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      await new Promise(setImmediate);
      const entries = this.#waiting.splice(0);
      try {
        await this.#options.write(entries);
      } catch (error) {
        this.#options.onError(error as Error);
      }
    }
    this.#writing = null;
  }
}
