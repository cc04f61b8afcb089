import { sql } from "kysely";
import { z } from "zod";
import { INPUT_ISSUES } from "../crawl/input.ts";
import { toDatabaseJson } from "../crawl/postgres/database-json.ts";
import { type Issue, type IssueOptions, parseValue } from "../parse/issues.ts";
import { type ActorManifest, loadInputSchema } from "./actors.ts";
import type { Queryable } from "./delivery.ts";
import { InvalidRunInputError } from "./run.ts";

const MAX_DUE = 10_000;

const Due = z.looseObject({
  due: z.int(`expected a whole number from 1 to ${MAX_DUE}`).min(1).max(MAX_DUE),
});

/** A run input that `assertRunInput` has taken, as the database takes it: large ones are not parsed twice. */
export class CheckedInput {
  readonly json: string;

  /** @param json without `due` */
  constructor(json: string) {
    this.json = json;
  }
}

/** What becomes of a run's input at its launch. */
export interface LaunchInput {
  /** As it was given, with the work that is due instead of `due`. */
  input: unknown;
  /** Nothing is due, and nothing else was asked for: there is nothing to run. */
  isNothing: boolean;
  /** What was due and the actor cannot use. */
  setAside: SetAside[];
}

export interface SetAside {
  /** As the work list handed it out. */
  entry: unknown;
  /** What would be right, and what it is. */
  reason: string;
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
 * Expands `{"due": n, …}` by the actor's SQL function, which leases the work to the run, and validates the result. An
 * entry that the actor cannot use is set aside: another one takes its place, and no list hands it out for a week. A
 * transaction that does not commit leases nothing.
 * @throws {InvalidRunInputError}
 */
export async function expandInput(
  actor: ActorManifest,
  raw: unknown,
  runId: string,
  transaction: Queryable,
): Promise<LaunchInput> {
  if (raw instanceof CheckedInput) return { input: raw, isNothing: false, setAside: [] };
  await assertRunInput(actor, raw);
  const due = readDue(actor, raw);
  if (!due) return { input: raw, isNothing: false, setAside: [] };
  const schema = await loadInputSchema(actor);
  const { work, setAside } = await leaseWork(due, schema, runId, transaction);
  const input = { ...due.rest, [due.into]: work };
  const issues = issuesOf(schema, input);
  if (work.length === 0 && issues.length > 0) return { input, isNothing: true, setAside };
  assertNoIssues(issues);
  return { input, isNothing: false, setAside };
}

async function leaseWork(
  due: DueRequest,
  schema: z.ZodType,
  runId: string,
  transaction: Queryable,
): Promise<{ work: unknown[]; setAside: SetAside[] }> {
  const work: unknown[] = [];
  const setAside: SetAside[] = [];
  while (work.length < due.max) {
    const { rows } = await sql<{ entry: unknown }>`
      select to_jsonb(due) as entry
      from ${sql.ref(due.select)}(${due.max - work.length}::integer, ${runId}::text) as due`.execute(
      transaction,
    );
    const sorted = sortOut(
      rows.map(({ entry }) => entry),
      due,
      schema,
    );
    work.push(...sorted.work);
    if (sorted.setAside.length === 0) break;
    setAside.push(...sorted.setAside);
    await sql`select set_work_aside(${runId}, ${toDatabaseJson(sorted.setAside, "work set aside")}::jsonb)`.execute(
      transaction,
    );
  }
  return { work, setAside };
}

/** What of `entries` the actor can use: of an object also without those fields that it cannot. */
function sortOut(
  entries: unknown[],
  { into, rest }: DueRequest,
  schema: z.ZodType,
): { work: unknown[]; setAside: SetAside[] } {
  const isOfEntry = ([field, index]: readonly PropertyKey[]) => field === into && typeof index === "number";
  const issuesIn = (list: unknown[]): z.core.$ZodIssue[] =>
    (schema.safeParse({ ...rest, [into]: list }).error?.issues ?? []).filter(({ path }) => isOfEntry(path));
  if (issuesIn(entries).length === 0) return { work: entries, setAside: [] };
  const sorted: { work: unknown[]; setAside: SetAside[] } = { work: [], setAside: [] };
  for (const entry of entries) {
    const issues = issuesIn([entry]);
    const usable = issues.length > 0 ? withoutFields(entry, issues) : entry;
    if (issues.length === 0 || (usable !== null && issuesIn([usable]).length === 0)) sorted.work.push(usable);
    else {
      const [issue] = issuesOf(schema, { ...rest, [into]: [entry] }, isOfEntry);
      sorted.setAside.push({ entry, reason: issue!.message });
    }
  }
  return sorted;
}

function withoutFields(entry: unknown, issues: readonly z.core.$ZodIssue[]): object | null {
  if (typeof entry !== "object" || entry === null) return null;
  const wrong = new Set(issues.map(({ path }) => path[2]));
  return Object.fromEntries(Object.entries(entry).filter(([name]) => !wrong.has(name)));
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
