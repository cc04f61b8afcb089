import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import type { Database } from "../db/database.ts";
import { withRetry } from "../db/retry.ts";
import { isFinal, type RunStatus } from "./run.ts";

/** Bytes of a log in memory at a time, while it is followed. */
const PAGE_BYTES = 128 * 1024;
const FOLLOW_MS = 400;

export interface RunLog {
  /** Bytes `start` to `end` (exclusive) of the log, and the size of all of it. A sign that is cut becomes U+FFFD. */
  read(id: string, range?: { start?: number; end?: number }): Promise<{ text: string; size: number }>;
  /** What is there from `fromOffset` on, then what comes, until the run has ended. */
  follow(id: string, options: { signal: AbortSignal; fromOffset?: number }): AsyncIterable<string>;
}

export function createRunLog({ kysely }: Pick<Database, "kysely">): RunLog {
  /** Of each piece, only the part that is wanted: a piece may have megabytes. */
  const slice = async (id: string, start: number, end: number): Promise<Buffer> => {
    const { rows } = await withRetry(() =>
      // From the last piece that begins at or before `start`: pieces leave no gap.
      sql<{ bytes: Buffer }>`
        select substring(convert_to(text, 'UTF8') from greatest(${start} - start_offset, 0)::integer + 1
          for greatest(${end} - greatest(start_offset, ${start}), 0)::integer) as bytes
        from run_logs
        where run_id = ${id} and start_offset < ${end} and start_offset >= coalesce((
          select max(l.start_offset) from run_logs l where l.run_id = ${id} and l.start_offset <= ${start}), 0)
        order by start_offset`.execute(kysely),
    );
    return Buffer.concat(rows.map(({ bytes }) => bytes));
  };
  const readState = async (id: string): Promise<{ status?: RunStatus; size: number }> => {
    const { rows } = await withRetry(() =>
      sql<{ status: RunStatus; size: number }>`
        select status, run_log_size(id) as size from runs where id = ${id}`.execute(kysely),
    );
    return rows[0] ?? { size: 0 };
  };
  return {
    async read(id, { start = 0, end = Infinity } = {}) {
      const { size } = await readState(id);
      return { text: (await slice(id, start, Math.min(end, size))).toString(), size };
    },
    async *follow(id, { signal, fromOffset = 0 }) {
      const decoder = new TextDecoder();
      for (let offset = fromOffset; !signal.aborted;) {
        // In this order: a run that is over writes nothing more.
        const { status, size } = await readState(id);
        while (offset < size && !signal.aborted) {
          const bytes = await slice(id, offset, Math.min(size, offset + PAGE_BYTES));
          offset += bytes.length;
          yield decoder.decode(bytes, { stream: true });
        }
        if (!status || isFinal(status)) return;
        await sleep(FOLLOW_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}
