import { sql } from "kysely";
import type { Config } from "../config.ts";
import type { Queryable } from "./delivery.ts";
import { TokenLimitError } from "./run.ts";

export type TokenLimits = Pick<
  Config,
  | "tokenMaxMemoryMbytes"
  | "tokenMaxQueuedRuns"
  | "tokenMaxPriority"
  | "tokenMaxStoredMbytes"
  | "datasetRetentionDays"
>;

/** Who launches a run or stores something. */
export interface Launcher {
  /** `null`: the token of the settings, or the operator of a server without tokens. */
  tokenId: number | null;
  /** `null`: it may have as much as it likes. */
  limits: TokenLimits | null;
}

/** A launcher that has limits: its token is in the database. */
interface Limited {
  tokenId: number;
  limits: TokenLimits;
}

const MEGABYTE = 1024 * 1024;

function isLimited(by: Launcher | null): by is Limited {
  return by !== null && by.limits !== null && by.tokenId !== null;
}

/**
 * Within the transaction that launches the run, or makes it READY again.
 * @throws {TokenLimitError} naming the setting
 */
export async function assertMayLaunch(
  by: Launcher | null,
  { memoryMbytes, priority }: { memoryMbytes: number; priority: number },
  transaction: Queryable,
): Promise<void> {
  if (!isLimited(by)) return;
  const { tokenMaxMemoryMbytes, tokenMaxQueuedRuns, tokenMaxPriority } = by.limits;
  if (priority > tokenMaxPriority)
    throw new TokenLimitError(
      "priority",
      `priority: a token of scope run may give at most ${tokenMaxPriority} (TOKEN_MAX_PRIORITY), got ${priority}`,
    );
  const memory = `${tokenMaxMemoryMbytes} MB (TOKEN_MAX_MEMORY_MBYTES)`;
  if (memoryMbytes > tokenMaxMemoryMbytes)
    throw new TokenLimitError("memory", `a run of this token may have ${memory}, got ${memoryMbytes} MB`);
  const { rows } = await sql<{ load: { queued: number; runningMbytes: number } }>`
    select token_load(${by.tokenId}) as load`.execute(transaction);
  const { queued, runningMbytes } = rows[0]!.load;
  if (queued >= tokenMaxQueuedRuns)
    throw new TokenLimitError(
      "runs",
      `${queued} runs of this token wait for a worker, and more may not (TOKEN_MAX_QUEUED_RUNS is ${tokenMaxQueuedRuns})`,
    );
  if (runningMbytes + memoryMbytes > tokenMaxMemoryMbytes)
    throw new TokenLimitError(
      "memory",
      `the runs of this token may have ${memory} together: those under way have ${runningMbytes} MB, this one would have ${memoryMbytes} MB`,
    );
}

/**
 * Counts what is about to be stored.
 * @throws {TokenLimitError} naming the setting
 */
export async function countStored(by: Launcher | null, bytes: number, db: Queryable): Promise<void> {
  if (!isLimited(by)) return;
  const { tokenMaxStoredMbytes, datasetRetentionDays } = by.limits;
  const max = tokenMaxStoredMbytes * MEGABYTE;
  const { rows } = await sql<{ done: boolean }>`
    select count_token_bytes(${by.tokenId}, ${bytes}, ${max}, ${datasetRetentionDays}) as done`.execute(db);
  if (rows[0]!.done) return;
  throw new TokenLimitError(
    "storage",
    `this token may store ${tokenMaxStoredMbytes} MB within ${datasetRetentionDays} days (TOKEN_MAX_STORED_MBYTES), and has no room for ${bytes} bytes more`,
  );
}

/** Stores something of so many bytes, which count if that succeeds. */
type CountStored = (bytes: number, store: () => Promise<void>) => Promise<void>;

/** What counts for `by`, and throws `TokenLimitError` before anything is stored that would be too much. */
export function createCounter(by: Launcher, db: Queryable): CountStored {
  return async (bytes, store) => {
    await countStored(by, bytes, db);
    try {
      await store();
    } catch (error) {
      await countStored(by, -bytes, db);
      throw error;
    }
  };
}
