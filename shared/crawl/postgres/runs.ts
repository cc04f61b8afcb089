import { randomBytes } from "node:crypto";
import type { Pool } from "pg";
import { withRetry } from "../../db/retry.ts";
import { InvalidInputError } from "../../errors.ts";
import type { RunSummary } from "../summary.ts";
import { toDatabaseJson } from "./database-json.ts";

const RUN_ID = /^[a-zA-Z0-9_-]{1,63}$/;

/** A new run's id: 17 letters and digits, as Apify's. */
export function newRunId(): string {
  const text = randomBytes(32)
    .toString("base64")
    .replace(/[^a-zA-Z0-9]/g, "");
  return text.length < 17 ? newRunId() : text.slice(0, 17);
}

export interface JoinOptions {
  runId: string;
  actor: string;
  /** Raw, as it was given; `undefined`: the run has one already. */
  input: unknown;
}

/**
 * Takes part in a run, which is created when it is new and goes on when it was over.
 * @returns the run's raw input
 * @throws {InvalidInputError} when there is no such run and no input, or the run is another one than meant
 */
export async function joinRun(pool: Pool, { runId, actor, input }: JoinOptions): Promise<unknown> {
  if (!RUN_ID.test(runId) || runId === actor) {
    throw new InvalidInputError(
      `--run: expected 1 to 63 letters, digits, _ and -, and not the actor's name, got ${JSON.stringify(runId)}`,
    );
  }
  await assertUnmanaged(pool, runId);
  const json = input === undefined ? null : toDatabaseJson(input, "run input");
  const { rows } = await withRetry(() =>
    pool.query<{ run: { actor: string; input: unknown; isSameInput: boolean } | null }>(
      "select join_run($1, $2, $3) as run",
      [runId, actor, json],
    ),
  );
  const { run } = rows[0]!;
  if (!run) throw new InvalidInputError(`no run ${runId}: give its input with --input to create it`);
  if (run.actor !== actor)
    throw new InvalidInputError(`run ${runId} is one of actor ${run.actor}, not of ${actor}`);
  if (!run.isSameInput) {
    throw new InvalidInputError(
      `run ${runId} has another input: leave --input out to join it, or choose another id\n  its input: ${JSON.stringify(run.input)}`,
    );
  }
  return run.input;
}

/** A managed run has one process, its worker's. */
async function assertUnmanaged(pool: Pool, runId: string): Promise<void> {
  const { rows } = await withRetry(() =>
    pool.query("select from runs where id = $1 and is_managed", [runId]),
  );
  if (rows.length === 0) return;
  throw new InvalidInputError(
    `run ${runId} is carried out by a worker, and not shared: b9 resurrect ${runId} goes on with it when it is over`,
  );
}

/** This process's part of a run has ended; the run has when nobody else works on it, or nothing is left. */
export async function leaveRun(
  pool: Pool,
  runId: string,
  { status, statusMessage }: Pick<RunSummary, "status" | "statusMessage">,
): Promise<void> {
  await withRetry(() => pool.query("select leave_run($1, $2, $3)", [runId, status, statusMessage]));
}
