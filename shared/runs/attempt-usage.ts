import type { ProcessTree } from "./process-tree.ts";

/** What a run has used of its machine, by Apify's names; averages are over all its attempts. */
export class AttemptUsage {
  readonly #before: Record<string, number>;
  readonly #startedMs: number;
  #samples: number;
  #last: { atMs: number; cpuMs: number };
  #stats: Record<string, number>;

  /** @param before of earlier attempts */
  constructor(before: Record<string, number>, nowMs: number) {
    this.#before = before;
    this.#samples = before["samples"] ?? 0;
    this.#startedMs = nowMs;
    this.#last = { atMs: nowMs, cpuMs: 0 };
    this.#stats = before;
  }

  get memoryBytes(): number {
    return this.#stats["memCurrentBytes"] ?? 0;
  }

  /** @param nowMs of a clock that does not jump */
  sample({ memoryBytes, cpuMs }: ProcessTree, nowMs: number): void {
    // What a process that has ended had used is gone from the sum.
    const used = Math.max(0, cpuMs - this.#last.cpuMs);
    const cpu = round((100 * used) / Math.max(1, nowMs - this.#last.atMs));
    this.#last = { atMs: nowMs, cpuMs };
    const { memAvgBytes = 0, memMaxBytes = 0, cpuAvgUsage = 0, cpuMaxUsage = 0 } = this.#stats;
    const average = (mean: number, value: number) => mean + (value - mean) / (this.#samples + 1);
    this.#stats = {
      memCurrentBytes: memoryBytes,
      memAvgBytes: Math.round(average(memAvgBytes, memoryBytes)),
      memMaxBytes: Math.max(memMaxBytes, memoryBytes),
      cpuCurrentUsage: cpu,
      cpuAvgUsage: round(average(cpuAvgUsage, cpu)),
      cpuMaxUsage: Math.max(cpuMaxUsage, cpu),
    };
    this.#samples++;
  }

  stats(nowMs: number): Record<string, number> {
    const secs = (nowMs - this.#startedMs) / 1000;
    return {
      ...this.#stats,
      samples: this.#samples,
      runTimeSecs: round((this.#before["runTimeSecs"] ?? 0) + secs),
    };
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
