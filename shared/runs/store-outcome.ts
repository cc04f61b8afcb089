import { sql } from "kysely";
import { toDatabaseJson } from "../crawl/postgres/database-json.ts";
import type { Database } from "../db/database.ts";
import { toStorable } from "./log-lines.ts";
import type { Attempt, Outcome } from "./attempt.ts";
import type { Runs } from "./runs.ts";

/** The log has the whole of it. */
const MAX_MESSAGE = 2_000;

/**
 * Writes down how an attempt has ended, if it still has the run; what is READY again is delivered anew in the same
 * transaction. May be repeated.
 */
export function storeOutcome(
  { kysely }: Pick<Database, "kysely">,
  { delivery }: Pick<Runs, "delivery">,
  { run: { id, attempt }, told }: Pick<Attempt, "run" | "told">,
  outcome: Exclude<Outcome, { kind: "lost" }>,
): Promise<void> {
  const message = outcome.kind === "finished" ? toStorable(outcome.message).slice(0, MAX_MESSAGE) : null;
  const stats = toDatabaseJson(told.stats, "run stats");
  const progress = toDatabaseJson(told.progress, "run progress");
  return kysely.transaction().execute(async (transaction) => {
    const call =
      outcome.kind === "handed-back"
        ? sql`hand_back_run(${id}, ${attempt}, ${outcome.reason})`
        : sql`finish_run(${id}, ${attempt}, ${outcome.status}, ${message}, ${outcome.exitCode},
            ${stats}, ${progress})`;
    const { rows } = await sql<{ status: string | null }>`select ${call} as status`.execute(transaction);
    if (rows[0]!.status === "READY") await delivery.send(id, transaction);
  });
}
