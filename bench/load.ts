import autocannon, { type Result } from "autocannon";

export interface LoadOptions {
  url: string;
  headers?: Record<string, string>;
  /** Requests a second; left out: as many as there can be. */
  rate?: number;
  secs: number;
  /** The status that every answer must have. @default 200 */
  expected?: number;
}

export interface Load {
  requestsPerSec: number;
  p50: number;
  p95: number;
  p99: number;
}

const CONNECTIONS = 20;

/** Puts load on a server from this process; latencies in ms. @throws when an answer is not the expected one */
export async function measureLoad({
  url,
  headers = {},
  rate,
  secs,
  expected = 200,
}: LoadOptions): Promise<Load> {
  const times: number[] = [];
  const wrong = new Map<number, number>();
  const options = {
    url,
    headers,
    connections: CONNECTIONS,
    duration: secs,
    ...(rate !== undefined && { overallRate: rate }),
  };
  const result = await new Promise<Result>((resolve, reject) => {
    const run = autocannon(options, (error: Error | null, all) => (error ? reject(error) : resolve(all)));
    run.on("response", (_client, status, _bytes, ms) => {
      times.push(ms);
      if (status !== expected) wrong.set(status, (wrong.get(status) ?? 0) + 1);
    });
  });
  if (wrong.size > 0 || result.errors > 0) {
    const statuses = [...wrong].map(([status, n]) => `${n} with status ${status}`).join(", ");
    throw new Error(`${url}: expected ${expected}, got ${statuses || "none"}, ${result.errors} errors`);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { requestsPerSec: times.length / secs, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
