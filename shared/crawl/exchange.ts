import type { Logger } from "pino";
import { redact } from "../redact.ts";
import type { Reading } from "./budget.ts";
import type { ActorDefinition } from "./define-actor.ts";
import { classify } from "./classify.ts";
import type { HttpClient } from "./http-client.ts";
import type { Identity } from "./identity.ts";
import type { IdentityPool, Ticket } from "./identity-pool.ts";
import { isCutOff, type Outcome } from "./outcome.ts";
import { OwnFaultError } from "./own-fault.ts";
import type { Quota, Site } from "./site.ts";
import type { CrawlStats } from "./stats.ts";
import type { Lease, ThrottledQueue } from "./throttled-queue.ts";
import type { UsageLedger } from "./usage-ledger.ts";

/** One request's way to the site and back. */
export interface Exchange {
  outcome: Outcome;
  /** What the answer's headers say about the budget. */
  reading: Reading;
  quota: Quota | null;
}

/** A lease whose request is to be sent. */
export type SendingLease = Lease & { ticket: Ticket };

export interface ExchangeOptions {
  actor: Pick<ActorDefinition, "subjectOf">;
  queue: ThrottledQueue;
  stats: CrawlStats;
  ledger: UsageLedger;
  log: Logger;
}

/** Sends a lease's request as its identity. The clocks learn from the answer, whatever becomes of it. */
export function createExchange({
  actor,
  queue,
  stats,
  ledger,
  log,
}: ExchangeOptions): (lease: SendingLease) => Promise<Outcome> {
  return async (lease) => {
    const { request, ticket, abort, lane } = lease;
    const answer = await send(lease).catch((cause: Error) => {
      queue.unsent(lease);
      throw new OwnFaultError(`the request cannot be sent: ${redact(cause.message)}`, { cause });
    });
    let exchange: Exchange | null = null;
    try {
      exchange = readAnswer(answer, lane.site);
      return exchange.outcome;
    } finally {
      const outcome = abort.signal.aborted ? null : (exchange?.outcome ?? null);
      if (!exchange || !isCutOff(exchange.outcome)) recordUsage(ledger, lease, exchange);
      if (exchange) applyQuota(exchange, lane.pool, ticket.identity);
      queue.exchanged(lease, isRepeatedBlock(lease, outcome) ? null : outcome, exchange?.reading ?? null);
      stats.exchanged(request.label, actor.subjectOf?.(request) ?? null, outcome);
      const level = outcome && ["ok", "gone"].includes(outcome.kind) ? "debug" : "warn";
      log[level](
        { url: request.url, identity: ticket.identity.name, ...describe(outcome) },
        outcome?.kind ?? "given up",
      );
    }
  };
}

/**
 * What a block page says about the client, a target says with its first one alone: those that always answer so would
 * close the identity for longer and longer.
 */
function isRepeatedBlock({ request }: Lease, outcome: Outcome | null): boolean {
  return (
    outcome?.kind === "blocked" &&
    outcome.status !== null &&
    request.errorMessages.some((message) => message.startsWith("blocked"))
  );
}

/** @throws when it cannot be sent at all */
async function send({ request, ticket, abort, lane: { site, client } }: SendingLease): Promise<Answer> {
  const { identity, token } = ticket;
  const { url, headers, method = "GET", body } = site.wireRequest(request.url, { token });
  return client.send({
    method,
    url,
    ...(body !== undefined && { body }),
    headers: { ...headers, "user-agent": identity.userAgent },
    identity: identity.name,
    proxyUrl: identity.proxyUrl,
    cookieJar: identity.cookies,
    signal: abort.signal,
  });
}

function readAnswer(answer: Answer, site: Site): Exchange {
  const isAnswer = !("failure" in answer);
  return {
    outcome: classify(answer, site.rules),
    reading: isAnswer ? site.readBudget(answer.headers) : null,
    quota: (isAnswer && site.readQuota?.(answer.headers)) || null,
  };
}

type Answer = Awaited<ReturnType<HttpClient["send"]>>;

/** A call that the quota's headers do not tell of may have been charged for. */
function applyQuota({ quota, outcome }: Exchange, pool: IdentityPool, identity: Identity): void {
  if (quota || !isFree(outcome)) identity.budget.limit?.(quota?.left ?? null);
  if (quota && quota.left <= 0) pool.retire(identity, quota.reason);
}

/** Refusals that nobody charges for: too fast, or with a key that is not good for it. */
const FREE = new Set<Outcome["kind"]>(["throttled", "retired", "unauthorized"]);

/** A refusal in the body of a success is charged for like any other answer. */
function isFree(outcome: Outcome): boolean {
  return isCutOff(outcome) || (FREE.has(outcome.kind) && outcome.status !== 200);
}

/** A call without an answer may have been charged for. */
function recordUsage(ledger: UsageLedger, { request, lane }: Lease, exchange: Exchange | null): void {
  const price = lane.site.usage?.(request.url);
  if (!price) return;
  ledger.record({
    at: new Date().toISOString(),
    provider: price.provider,
    endpoint: price.endpoint,
    status: exchange?.outcome.status ?? null,
    units: 1,
    cost_usd: exchange && isFree(exchange.outcome) ? 0 : price.costUsd,
  });
}

function describe(outcome: Outcome | null): object {
  if (outcome === null || outcome.kind === "ok") return {};
  const { status } = outcome;
  return { status, ...("reason" in outcome && { reason: outcome.reason }) };
}
