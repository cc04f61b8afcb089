/** One exchange, as the site saw it. */
export interface LogEntry {
  seq: number;
  /** Real time, unix milliseconds. */
  at: number;
  /** Virtual time, unix seconds. */
  virtual: number;
  /** Where the connection came from: the proxy's own address, or 127.0.0.1. */
  address: string;
  /**
   * Client id of the token or of the Basic header, key of the data API, `null` when there was none or it was wrong.
   */
  client: string | null;
  method: string;
  /** With query, as it came. */
  path: string;
  /** The route, such as `/r/{subreddit}/{sort}`; `null` when no route was reached. */
  endpoint: string | null;
  /** `null` when the connection was cut before an answer. */
  status: number | null;
  fault: string | null;
  /** The budget's counter after this request; `null` when it did not count. */
  used: number | null;
  window: number | null;
  /** Whom a request to Instagram is about: the present name, or, of nobody, what the request calls them. */
  creator: string | null;
  /** US dollars. */
  price_usd: number;
}

export interface AccessLog {
  add(entry: Omit<LogEntry, "seq">): void;
  /** Those after `seq` that are still kept, oldest first. */
  since(seq: number): Iterable<LogEntry>;
  /** Answers by endpoint and status since the start. */
  totals(): Record<string, Record<string, number>>;
  /** All that was paid since the start, US dollars. */
  costUsd(): number;
}

/** Keeps the newest `capacity` entries. */
export function createAccessLog(capacity = 250_000): AccessLog {
  const ring: LogEntry[] = [];
  const totals: Record<string, Record<string, number>> = {};
  let lastSeq = 0;
  let costUsd = 0;
  return {
    add(entry) {
      const seq = ++lastSeq;
      ring[(seq - 1) % capacity] = { seq, ...entry };
      const byStatus = (totals[entry.endpoint ?? "none"] ??= {});
      const status = String(entry.status ?? "cut");
      byStatus[status] = (byStatus[status] ?? 0) + 1;
      costUsd += entry.price_usd;
    },
    *since(seq) {
      const first = Math.max(seq + 1, lastSeq - ring.length + 1);
      for (let n = first; n <= lastSeq; n++) {
        const entry = ring[(n - 1) % capacity]!;
        // Overwritten while a slow reader was served.
        if (entry.seq === n) yield entry;
      }
    },
    totals: () => totals,
    costUsd: () => costUsd,
  };
}
