import type { Logger } from "pino";
import type { BudgetReading } from "./budget.ts";
import type { ActorDefinition } from "./define-actor.ts";
import { classify } from "./classify.ts";
import type { HttpClient } from "./http-client.ts";
import type { Outcome } from "./outcome.ts";
import type { Site } from "./site.ts";
import type { CrawlStats } from "./stats.ts";
import type { Lease, ThrottledQueue } from "./throttled-queue.ts";

/** One request's way to the site and back. */
export interface Exchange {
  outcome: Outcome;
  /** What the answer's headers say about the budget. */
  reading: BudgetReading | null;
}

export interface ExchangeOptions {
  actor: Pick<ActorDefinition, "subjectOf">;
  site: Site;
  client: HttpClient;
  queue: ThrottledQueue;
  stats: CrawlStats;
  log: Logger;
}

/** Sends a lease's request as its identity. The clocks learn from the answer, whatever becomes of it. */
export function createExchange({
  actor,
  site,
  client,
  queue,
  stats,
  log,
}: ExchangeOptions): (lease: Lease) => Promise<Outcome> {
  return async (lease) => {
    const { request, ticket, abort } = lease;
    let exchange: Exchange | null = null;
    try {
      exchange = await send(lease, site, client);
      return exchange.outcome;
    } finally {
      const outcome = abort.signal.aborted ? null : (exchange?.outcome ?? null);
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
    outcome?.kind === "blocked" && request.errorMessages.some((message) => message.startsWith("blocked"))
  );
}

async function send({ request, ticket, abort }: Lease, site: Site, client: HttpClient): Promise<Exchange> {
  const { identity, token } = ticket;
  const { url, headers } = site.wireRequest(request.url, { token });
  const answer = await client.send({
    method: "GET",
    url,
    headers: { ...headers, "user-agent": identity.userAgent },
    identity: identity.name,
    proxyUrl: identity.proxyUrl,
    cookieJar: identity.cookies,
    signal: abort.signal,
  });
  const reading = "failure" in answer ? null : site.readBudget(answer.headers);
  return { outcome: classify(answer, site.rules), reading };
}

function describe(outcome: Outcome | null): object {
  if (outcome === null || outcome.kind === "ok") return {};
  const { status } = outcome;
  return { status, ...("reason" in outcome && { reason: outcome.reason }) };
}
