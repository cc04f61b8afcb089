import { NonRetryableError } from "@crawlee/core";
import { itemKey, type DatasetName } from "../datasets.ts";
import { UnexpectedShapeError } from "../errors.ts";
import { formatIssue, parseValue } from "../parse/issues.ts";
import { redact } from "../redact.ts";
import type { Availability, Outcome } from "./outcome.ts";
import type { Lane } from "./lane.ts";
import { OwnFaultError } from "./own-fault.ts";
import { countedRetry, MAX_RETRIES, reactionTo, type Reaction } from "./reaction.ts";
import type { ActorDefinition } from "./define-actor.ts";
import type { HandlerContext, Route } from "./router.ts";
import type { ClaimedRequest, Commit, Item, NewRequest, PushedItem, RunStorage } from "./run-storage.ts";
import type { SendingLease } from "./exchange.ts";
import type { Lease, Settlement } from "./throttled-queue.ts";

/** An item of `failed_requests`: a request that is given up, and why. */
export interface FailedRequest {
  request_id: string;
  url: string;
  label: string;
  /** What it was about, in the actor's words; `null` when it was about no single thing. */
  subject: string | null;
  outcome: Exclude<Outcome["kind"], "ok"> | "handlerError";
  reason: string;
  /** What the answer proves about the target, `not_found` say; `null` when it proves nothing. */
  availability: Availability | null;
  /** HTTP status; `null` when no answer came, or the handler failed. */
  status: number | null;
  /** Attempts that counted, the last one included. */
  attempts: number;
  last_error: string | null;
  observed_at: string;
}

/** Records that outlive runs. */
export interface RecordStore {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
}

export interface AttemptOptions {
  actor: Pick<ActorDefinition, "router" | "subjectOf">;
  records: RecordStore;
  storage: Pick<RunStorage, "getItems">;
  exchange: (lease: SendingLease) => Promise<Outcome>;
  /** Fetch and handler together. */
  timeoutMs: number;
  now?: () => number;
}

/**
 * One attempt of one request: fetch, then the handler of its label, with a buffer of its own for what the
 * handler pushes and enqueues. Never throws: what came of it is the settlement.
 */
export async function attemptRequest(lease: Lease, options: AttemptOptions): Promise<Settlement> {
  const { timeoutMs } = options;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`handler timed out after ${timeoutMs / 1000} s`)), timeoutMs);
  });
  try {
    return await Promise.race([fetchAndHandle(lease, options), timeout]);
  } catch (error) {
    lease.abort.abort();
    if (error instanceof OwnFaultError) return { kind: "hold", reason: error.message };
    return await settleError(lease.request, error as Error, options);
  } finally {
    clearTimeout(timer);
  }
}

async function fetchAndHandle(lease: Lease, options: AttemptOptions): Promise<Settlement> {
  const { actor, exchange, now = Date.now } = options;
  const { request, ticket, lane } = lease;
  const { route, userData } = routeOf(actor, request);
  const outcome: Outcome = ticket ? await exchange({ ...lease, ticket }) : retired(lane);
  const observedAt = new Date(now()).toISOString();
  const begin = () => {
    const effects = createEffects(request, observedAt, options);
    return { effects, context: { request: { ...request, userData }, observedAt, ...effects.context } };
  };
  if (outcome.kind === "ok") {
    const { effects, context } = begin();
    const misshapen = await handleBody(route, { ...context, body: outcome.body });
    if (!misshapen) return commit(request, "handled", effects.taken());
    // What its handler had done so far is dropped with it. The next answer may be whole, as after any other broken one.
    const broken = { kind: "malformed", status: outcome.status, ...misshapen, preview: "" } as const;
    const reaction = reactionTo(broken, retriesOf(request, broken.kind));
    if (reaction.kind === "fail") return giveUp(broken);
    return reclaim(request, reaction, `${describe(broken)}: ${broken.message}`);
  }
  if (!ticket) return giveUp(outcome);
  const reaction = reactionTo(outcome, retriesOf(request, outcome.kind), {
    ...ticket,
    hasFallback: lane.hasFallback,
  });
  if (reaction.kind === "retry") return reclaim(request, reaction, describe(outcome));
  return giveUp(outcome);

  async function giveUp(how: FailedOutcome): Promise<Settlement> {
    const { effects, context } = begin();
    const leftover =
      outcome.kind === "gone"
        ? await route.gone?.({ ...context, gone: outcome })
        : await route.failed?.({ ...context, wasSent: ticket !== null });
    // An answer that its own handler cannot read is worth a look, whoever does the work.
    if (leftover === "none" && outcome.kind !== "ok") return commit(request, "handled", effects.taken());
    const { items, ...rest } = effects.taken();
    return commit(request, "failed", {
      ...rest,
      items: [...items, toFailedRequest(request, how, { actor, observedAt })],
    });
  }
}

/** Stands for the call that was not made. */
function retired({ pool }: Lane): Exclude<Outcome, { kind: "ok" }> {
  return { kind: "retired", status: null, reason: pool.describeClosed().join("; ") };
}

/** `null`, or why the body is not what it should be: an answer of the site, not an error of the handler. */
async function handleBody(
  route: Route<Record<string, unknown>>,
  context: HandlerContext,
): Promise<{ reason: string; message: string } | null> {
  try {
    await route.handle(context);
    return null;
  } catch (error) {
    if (!(error instanceof UnexpectedShapeError)) throw error;
    return { reason: error.name, message: redact(error.message) };
  }
}

/** What an attempt did. */
interface Effects extends Pick<Commit, "items" | "children"> {
  records: Map<string, unknown>;
}

/** What one attempt of a handler does. Once taken, what comes later goes nowhere. */
function createEffects(
  request: ClaimedRequest,
  observedAt: string,
  { records: store, storage }: Pick<AttemptOptions, "records" | "storage">,
) {
  const items: PushedItem[] = [];
  const children: NewRequest[] = [];
  const records = new Map<string, unknown>();
  const source = new URL(request.url).pathname;
  const context: Omit<HandlerContext, "request" | "body" | "observedAt"> = {
    async pushData(pushed: object | readonly object[], dataset: DatasetName) {
      for (const fields of [pushed].flat()) {
        const item: Item = { source, ...fields, observed_at: observedAt };
        items.push({ dataset, key: itemKey(dataset, item), item });
      }
    },
    async addRequests(requests) {
      children.push(...requests);
    },
    getItems: (dataset, keys) => storage.getItems(dataset, keys),
    getRecord: async (key) => (records.has(key) ? records.get(key) : store.get(key)),
    async setRecord(key, value) {
      records.set(key, value);
    },
  };
  const taken = (): Effects => ({ items: [...items], children: [...children], records: new Map(records) });
  return { context, taken };
}

/** @throws {OwnFaultError} when this program did not write the request so, or knows no handler for it */
function routeOf({ router }: Pick<ActorDefinition, "router">, request: ClaimedRequest) {
  let route: Route<Record<string, unknown>>;
  try {
    route = router.route(request.label);
  } catch (cause) {
    throw new OwnFaultError((cause as Error).message, { cause });
  }
  const parsed = parseValue(route.userData, request.userData, { whole: "userData", showsValues: false });
  if (parsed.success) return { route, userData: parsed.data };
  const problems = parsed.issues.map(formatIssue).join("; ");
  throw new OwnFaultError(`userData of ${request.label} is not of its shape: ${problems}`);
}

async function settleError(
  request: ClaimedRequest,
  error: Error,
  options: AttemptOptions,
): Promise<Settlement> {
  const { actor, now = Date.now } = options;
  const message = redact(error.message);
  const reaction: Reaction =
    error instanceof NonRetryableError
      ? { kind: "fail" }
      : countedRetry(retriesOf(request, "handlerError"), MAX_RETRIES.handlerError);
  if (reaction.kind === "retry") return reclaim(request, reaction, `handlerError: ${message}`);
  const observedAt = new Date(now()).toISOString();
  // What went wrong in the handler may go wrong here as well: then the request is given up alone.
  const rest = await failedEffects(request, observedAt, options).catch(() => NO_EFFECTS);
  const how = { kind: "handlerError", status: null, reason: error.name, message } as const;
  const failed = toFailedRequest(request, how, { actor, observedAt });
  const { commit: last, records } = commit(request, "failed", { ...rest, items: [...rest.items, failed] });
  return { kind: "hold", reason: `${request.label}: ${message}`, last: { commit: last, records } };
}

const NO_EFFECTS: Effects = { items: [], children: [], records: new Map() };

/** What the route does without the answer. */
async function failedEffects(
  request: ClaimedRequest,
  observedAt: string,
  options: AttemptOptions,
): Promise<Effects> {
  const { route, userData } = routeOf(options.actor, request);
  const effects = createEffects(request, observedAt, options);
  const failed = { request: { ...request, userData }, observedAt, wasSent: true, ...effects.context };
  await route.failed?.(failed);
  return effects.taken();
}

function commit(
  { id, attempt }: ClaimedRequest,
  outcome: Commit["outcome"],
  { items, children, records }: Effects,
): Extract<Settlement, { kind: "commit" }> {
  return { kind: "commit", commit: { id, attempt, outcome, items, children }, records };
}

function reclaim(
  { id, attempt }: ClaimedRequest,
  { delayMs, counts }: Extract<Reaction, { kind: "retry" }>,
  message: string,
): Settlement {
  return { kind: "reclaim", reclaim: { id, attempt, delayMs, ...(counts && { errorMessage: message }) } };
}

/** How a request failed for good. */
interface FailedOutcome {
  kind: FailedRequest["outcome"];
  status: number | null;
  reason?: string;
  availability?: Availability | null;
  message?: string;
  /** Of a malformed answer: its beginning. */
  preview?: string;
}

function toFailedRequest(
  request: ClaimedRequest,
  outcome: FailedOutcome,
  { actor, observedAt }: Pick<AttemptOptions, "actor"> & { observedAt: string },
): PushedItem {
  const item: FailedRequest = {
    request_id: request.id,
    url: request.url,
    label: request.label,
    subject: actor.subjectOf?.(request) ?? null,
    outcome: outcome.kind,
    reason: outcome.reason ?? outcome.kind,
    availability: outcome.availability ?? null,
    status: outcome.status,
    attempts: request.retryCount + 1,
    last_error: outcome.message ?? (outcome.preview || (request.errorMessages.at(-1) ?? null)),
    observed_at: observedAt,
  };
  return { dataset: "failed_requests", key: request.id, item: { ...item } };
}

/** Counted retries of one kind: each left a message that begins with it. */
function retriesOf({ errorMessages }: ClaimedRequest, kind: FailedRequest["outcome"]): number {
  return errorMessages.filter((message) => message.startsWith(kind)).length;
}

/** One line of an outcome, for a request's error messages. */
function describe(outcome: Exclude<Outcome, { kind: "ok" }>): string {
  const reason = "reason" in outcome ? `: ${outcome.reason}` : "";
  return `${outcome.kind}${outcome.status === null ? "" : ` ${outcome.status}`}${reason}`;
}
