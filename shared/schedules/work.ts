import { findTask, taskNames } from "../maintenance/tasks.ts";
import { formatIssue, parseValue } from "../parse/issues.ts";
import { InvalidRunInputError, UnknownActorError } from "../runs/run.ts";
import type { Runs } from "../runs/runs.ts";
import { InvalidScheduleError } from "./errors.ts";
import type { ScheduledWork } from "./schedule.ts";

export type InputChecker = Pick<Runs, "validateInput">;

/** @throws {InvalidScheduleError} when there is no such actor or task, or it does not take the input */
export async function assertWork(work: ScheduledWork, runs: InputChecker): Promise<void> {
  if (work.kind === "task") return assertTask(work);
  try {
    await runs.validateInput(work.actor, work.input);
  } catch (cause) {
    if (cause instanceof UnknownActorError)
      throw new InvalidScheduleError("actions[0].actorId", cause.message, { cause });
    if (cause instanceof InvalidRunInputError)
      throw new InvalidScheduleError("actions[0].runInput", cause.message, { cause });
    throw cause;
  }
}

function assertTask({ task, input }: { task: string; input: unknown }): void {
  const found = findTask(task);
  if (!found)
    throw new InvalidScheduleError(
      "actions[0].task",
      `expected one of ${taskNames().join(", ")}, got ${JSON.stringify(task)}`,
    );
  const parsed = parseValue(found.input, input, { whole: "input" });
  if (!parsed.success)
    throw new InvalidScheduleError("actions[0].input", parsed.issues.map(formatIssue).join("; "));
}
