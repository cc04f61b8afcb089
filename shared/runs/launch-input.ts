import { sql } from "kysely";
import { z } from "zod";
import { INPUT_ISSUES } from "../crawl/input.ts";
import { type Issue, type IssueOptions, parseValue } from "../parse/issues.ts";
import { type ActorManifest, loadInputSchema } from "./actors.ts";
import type { Queryable } from "./delivery.ts";
import { InvalidRunInputError } from "./run.ts";

const MAX_DUE = 10_000;

const Due = z.looseObject({
  due: z.int(`expected a whole number from 1 to ${MAX_DUE}`).min(1).max(MAX_DUE),
});

/** What becomes of a run's input at its launch. */
export interface LaunchInput {
  /** As it was given, with the work that is due instead of `due`. */
  input: unknown;
  /** Nothing is due, and nothing else was asked for: there is nothing to run. */
  isNothing: boolean;
}

/**
 * Without touching the database: what is due is taken to be right.
 * @throws {InvalidRunInputError}
 */
export async function assertRunInput(actor: ActorManifest, raw: unknown): Promise<void> {
  const schema = await loadInputSchema(actor);
  const due = readDue(actor, raw);
  if (!due) return assertNoIssues(issuesOf(schema, raw));
  // What is due will be there, and may be all that the input lacks.
  const isOfDue = (path: readonly PropertyKey[]) =>
    path.length === 0 || (path.length === 1 && path[0] === due.into);
  assertNoIssues(issuesOf(schema, due.rest, (path) => !isOfDue(path)));
}

/**
 * Expands `{"due": n, …}` by the actor's SQL function, which leases the work to the run, and validates the result. A
 * transaction that does not commit leases nothing.
 * @throws {InvalidRunInputError}
 */
export async function expandInput(
  actor: ActorManifest,
  raw: unknown,
  runId: string,
  transaction: Queryable,
): Promise<LaunchInput> {
  await assertRunInput(actor, raw);
  const due = readDue(actor, raw);
  if (!due) return { input: raw, isNothing: false };
  const { rows } = await sql<{ work: unknown }>`
    select to_jsonb(due) as work from ${sql.ref(due.select)}(${due.max}::integer, ${runId}::text) as due
  `.execute(transaction);
  const input = { ...due.rest, [due.into]: rows.map(({ work }) => work) };
  const issues = issuesOf(await loadInputSchema(actor), input);
  if (rows.length === 0 && issues.length > 0) return { input, isNothing: true };
  assertNoIssues(issues);
  return { input, isNothing: false };
}

interface DueRequest {
  select: string;
  into: string;
  max: number;
  rest: Record<string, unknown>;
}

/** `null` when the input does not ask for what is due. */
function readDue({ name, due }: ActorManifest, raw: unknown): DueRequest | null {
  if (typeof raw !== "object" || raw === null || !("due" in raw)) return null;
  const parsed = parseValue(Due, raw, INPUT_ISSUES);
  if (!parsed.success) throw new InvalidRunInputError(parsed.issues);
  const { due: max, ...rest } = parsed.data;
  if (!due)
    throw new InvalidRunInputError([{ path: "due", message: `actor ${name} has no list of what is due` }]);
  if (due.into in rest)
    throw new InvalidRunInputError([
      { path: "due", message: `expected either due or ${due.into}, got both` },
    ]);
  return { ...due, max, rest };
}

function issuesOf(schema: z.ZodType, input: unknown, isMeant?: IssueOptions["isMeant"]): Issue[] {
  const parsed = parseValue(schema, input, { ...INPUT_ISSUES, ...(isMeant && { isMeant }) });
  return parsed.success ? [] : parsed.issues;
}

function assertNoIssues(issues: Issue[]): void {
  if (issues.length > 0) throw new InvalidRunInputError(issues);
}
