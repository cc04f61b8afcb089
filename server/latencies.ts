/** Of so many of a route's last requests. */
const WINDOW = 1_024;

export interface RouteLatency {
  /** `GET /api/reddit/posts` */
  route: string;
  /** Since the server started. */
  requests: number;
  /** Of them, answered with 5xx. */
  errors: number;
  p50_ms: number;
  p95_ms: number;
  p99_ms: number;
}

/** The last requests of one route. */
export class Latencies {
  #requests = 0;
  #errors = 0;
  readonly #ms = new Float32Array(WINDOW);

  add(ms: number, status: number): void {
    this.#ms[this.#requests % WINDOW] = ms;
    this.#requests++;
    if (status >= 500) this.#errors++;
  }

  summarize(route: string): RouteLatency {
    const sorted = this.#ms.slice(0, Math.min(this.#requests, WINDOW)).sort();
    const at = (share: number) => round(sorted[Math.ceil(share * sorted.length) - 1]!);
    return {
      route,
      requests: this.#requests,
      errors: this.#errors,
      p50_ms: at(0.5),
      p95_ms: at(0.95),
      p99_ms: at(0.99),
    };
  }
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
