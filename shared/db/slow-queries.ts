import type { Pool, PoolClient } from "pg";

/** Longer statements are cut in the log. */
const MAX_SHOWN = 300;

/**
 * Logs statements of `pool` that take longer than `slowMs`, with their text and without their values, which may be
 * private. Statements that fail count too.
 * @returns what ends it
 */
export function logSlowQueries(
  pool: Pool,
  slowMs: number,
  log: { warn(fields: object, message: string): void },
): () => void {
  const watched = new WeakSet<PoolClient>();
  let isWatching = true;
  const watch = (client: PoolClient): void => {
    if (watched.has(client)) return;
    watched.add(client);
    // `query` takes a text or an object, and answers by a promise or a callback, whichever was asked for.
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    const timed = (...args: unknown[]): unknown => {
      const startedAt = performance.now();
      const done = () => {
        const ms = Math.round(performance.now() - startedAt);
        if (isWatching && ms >= slowMs) log.warn({ ms, sql: textOf(args[0]) }, "slow query");
      };
      const callback = args.at(-1);
      if (typeof callback === "function") {
        return query(...args.slice(0, -1), (...answer: unknown[]) => {
          done();
          callback(...answer);
        });
      }
      const answer = query(...args);
      if (answer instanceof Promise) void answer.then(done, done);
      return answer;
    };
    client.query = timed as typeof client.query;
  };
  pool.on("acquire", watch);
  return () => {
    isWatching = false;
    pool.off("acquire", watch);
  };
}

function textOf(query: unknown): string {
  const text = typeof query === "string" ? query : String((query as { text?: unknown } | null)?.text ?? "");
  return text.replaceAll(/\s+/g, " ").trim().slice(0, MAX_SHOWN);
}
