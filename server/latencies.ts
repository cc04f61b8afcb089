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

interface Samples {
  requests: number;
  errors: number;
  ms: Float32Array;
}

/** Latencies of the last requests of each route. */
export class Latencies {
  readonly #routes = new Map<string, Samples>();

  add(route: string, ms: number, status: number): void {
    let samples = this.#routes.get(route);
    if (!samples)
      this.#routes.set(route, (samples = { requests: 0, errors: 0, ms: new Float32Array(WINDOW) }));
    samples.ms[samples.requests % WINDOW] = ms;
    samples.requests++;
    if (status >= 500) samples.errors++;
  }

  /** The busiest route first. */
  summarize(): RouteLatency[] {
    return [...this.#routes]
      .map(([route, { requests, errors, ms }]) => {
        const sorted = ms.slice(0, Math.min(requests, WINDOW)).sort();
        const at = (share: number) => round(sorted[Math.ceil(share * sorted.length) - 1]!);
        return { route, requests, errors, p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99) };
      })
      .sort((a, b) => b.requests - a.requests);
  }
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
