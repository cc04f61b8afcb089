import { NonRetryableError } from "@crawlee/core";
import type { z } from "zod";
import { itemKey, type DatasetName } from "../datasets.ts";
import { redact } from "../redact.ts";
import type { Outcome } from "./outcome.ts";
import { countedRetry, MAX_RETRIES, reactionTo, type Reaction } from "./reaction.ts";
import type { HandlerContext, Router } from "./router.ts";
import type { ClaimedRequest, Item, NewRequest, PushedItem } from "./run-storage.ts";
import type { Lease, Settlement } from "./throttled-queue.ts";

/** An item of `failed_requests`: a request that is given up, and why. */
export interface FailedRequest {
  request_id: string;
  url: string;
  label: string;
  outcome: Exclude<Outcome["kind"], "ok"> | "handlerError";
  reason: string;
  /** HTTP status; `null` when no answer came, or the handler failed. */
  status: number | null;
  /** Attempts that counted, the last one included. */
  attempts: number;
  last_error: string | null;
  observed_at: string;
}

export interface AttemptOptions {
  router: Router;
  exchange: (lease: Lease) => Promise<Outcome>;
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
    return settleError(lease.request, error as Error, options.now?.() ?? Date.now());
  } finally {
    clearTimeout(timer);
  }
}

async function fetchAndHandle(
  lease: Lease,
  { router, exchange, now = Date.now }: AttemptOptions,
): Promise<Settlement> {
  const { request, ticket } = lease;
  const route = router.route(request.label);
  const userData = parseUserData(request, route.userData);
  const outcome = await exchange(lease);
  const observedAt = new Date(now()).toISOString();
  const effects = createEffects(request, observedAt);
  const context = { request: { ...request, userData }, observedAt, ...effects.context };
  if (outcome.kind === "ok") {
    await route.handle({ ...context, body: outcome.body });
    return {
      kind: "commit",
      id: request.id,
      attempt: request.attempt,
      outcome: "handled",
      ...effects.taken(),
    };
  }
  const reaction = reactionTo(outcome, retriesOf(request, outcome.kind), ticket);
  if (reaction.kind === "retry") return reclaim(request, reaction, describe(outcome));
  if (outcome.kind === "gone") await route.gone?.({ ...context, gone: outcome });
  const { items, children } = effects.taken();
  const failed = toFailedRequest(request, outcome, observedAt);
  return {
    kind: "commit",
    id: request.id,
    attempt: request.attempt,
    outcome: "failed",
    items: [...items, failed],
    children,
  };
}

/** What one attempt of a handler did so far. Once taken, what comes later goes nowhere. */
function createEffects(request: ClaimedRequest, observedAt: string) {
  const items: PushedItem[] = [];
  const children: NewRequest[] = [];
  const stamp = { observed_at: observedAt, source: new URL(request.url).pathname };
  const context: Pick<HandlerContext, "pushData" | "addRequests"> = {
    async pushData(pushed: object | readonly object[], dataset: DatasetName) {
      for (const fields of [pushed].flat()) {
        const item: Item = { ...fields, ...stamp };
        items.push({ dataset, key: itemKey(dataset, item), item });
      }
    },
    async addRequests(requests) {
      children.push(...requests);
    },
  };
  return { context, taken: () => ({ items: items.slice(), children: children.slice() }) };
}

function parseUserData(
  request: ClaimedRequest,
  schema: z.ZodType<Record<string, unknown>>,
): Record<string, unknown> {
  const parsed = schema.safeParse(request.userData);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  throw new NonRetryableError(`userData of ${request.label} ${request.uniqueKey}: ${problems}`);
}

function settleError(request: ClaimedRequest, error: Error, now: number): Settlement {
  const message = redact(error.message);
  const reaction: Reaction =
    error instanceof NonRetryableError
      ? { kind: "fail" }
      : countedRetry(retriesOf(request, "handlerError"), MAX_RETRIES.handlerError);
  if (reaction.kind === "retry") return reclaim(request, reaction, `handlerError: ${message}`);
  const kind = error.name === "UnexpectedShapeError" ? "malformed" : "handlerError";
  const failed = toFailedRequest(
    request,
    { kind, status: null, reason: error.name, message },
    new Date(now).toISOString(),
  );
  return {
    kind: "commit",
    id: request.id,
    attempt: request.attempt,
    outcome: "failed",
    items: [failed],
    children: [],
  };
}

function reclaim(
  { id, attempt }: ClaimedRequest,
  { delayMs, counts }: Extract<Reaction, { kind: "retry" }>,
  message: string,
): Settlement {
  return { kind: "reclaim", id, attempt, delayMs, ...(counts && { errorMessage: message }) };
}

function toFailedRequest(
  request: ClaimedRequest,
  outcome: { kind: FailedRequest["outcome"]; status: number | null; reason?: string; message?: string },
  observedAt: string,
): PushedItem {
  const item: FailedRequest = {
    request_id: request.id,
    url: request.url,
    label: request.label,
    outcome: outcome.kind,
    reason: outcome.reason ?? outcome.kind,
    status: outcome.status,
    attempts: request.retryCount + 1,
    last_error: outcome.message ?? request.errorMessages.at(-1) ?? null,
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
