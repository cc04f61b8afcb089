import type { Pool } from "pg";
import { type RetryOptions, withRetry } from "../../db/retry.ts";
import { LostRunError } from "../run-storage.ts";

/** The attempt of a managed run that may write to it. */
export interface Fence {
  runId: string;
  attempt: number;
}

/** Calls a SQL function that may be called twice, until the database answers. */
export async function callFunction<Result>(
  pool: Pool,
  name: string,
  values: readonly unknown[],
  patience: RetryOptions = {},
): Promise<Result> {
  const { rows } = await withRetry(
    () => pool.query<{ result: Result }>(`select ${name}(${places(values)}) as result`, [...values]),
    patience,
  );
  return rows[0]!.result;
}

/**
 * As `callFunction`, for one that writes: with a fence, only while its attempt has the run, and nobody takes the run
 * over meanwhile.
 * @throws {LostRunError} when another attempt has the run, or nobody
 */
export async function callWrite<Result>(
  pool: Pool,
  fence: Fence | null,
  name: string,
  values: readonly unknown[],
  patience: RetryOptions = {},
): Promise<Result> {
  if (!fence) return callFunction(pool, name, values, patience);
  const { runId, attempt } = fence;
  const held = `holds_run($${values.length + 1}, $${values.length + 2})`;
  const { rows } = await withRetry(
    () =>
      pool.query<{ result: Result }>(`select ${name}(${places(values)}) as result where ${held}`, [
        ...values,
        runId,
        attempt,
      ]),
    patience,
  );
  if (!rows[0])
    throw new LostRunError(`attempt ${attempt} does not have run ${runId}: another one does, or it is over`);
  return rows[0].result;
}

function places(values: readonly unknown[]): string {
  return values.map((_, index) => `$${index + 1}`).join(", ");
}
