import type { Router } from "../../shared/crawl/router.ts";
import { createQueueFit } from "../../shared/crawl/queue-fit.ts";
import type { Outcome } from "../../shared/crawl/outcome.ts";
import type { ClaimedRequest, Item, NewRequest } from "../../shared/crawl/run-storage.ts";
import { itemKey, type DatasetName } from "../../shared/datasets.ts";

/** What a handler did with one answer. */
export interface Handled {
  items: Partial<Record<DatasetName, Item[]>>;
  requests: NewRequest[];
}

export const OBSERVED_AT = "2026-01-02T03:04:05.000Z";

/** What there is before a request is handled. */
export interface Known {
  /** What outlives the run, by key. */
  records?: Record<string, unknown>;
  /** Users that the run has. */
  users?: Item[];
}

/** Ways to give answers to the handlers of an actor, as the kit does. */
export function createHandling(router: Router) {
  /** Gives an answer's body to the request's handler, as the kit does. */
  async function handle(request: NewRequest, body: unknown, known: Known = {}): Promise<Handled> {
    const { handled, context } = createContext(router, request, known);
    await router.route(request.label).handle({ ...context, body });
    return handled;
  }

  /** Tells the request's handler that the site stated a fact instead of answering. */
  async function handleGone(
    request: NewRequest,
    gone: Pick<Extract<Outcome, { kind: "gone" }>, "availability" | "reason"> & { status?: number },
    known: Known = {},
  ): Promise<Handled> {
    const { handled, context } = createContext(router, request, known);
    await router
      .route(request.label)
      .gone?.({ ...context, gone: { kind: "gone", status: 403, headers: {}, body: {}, ...gone } });
    return handled;
  }

  /** Tells the request's handler that there will be no answer. */
  async function handleFailed(request: NewRequest, { wasSent = true } = {}): Promise<Handled> {
    const { handled, context } = createContext(router, request);
    await router.route(request.label).failed?.({ ...context, wasSent });
    return handled;
  }

  return { handle, handleGone, handleFailed };
}

function createContext(router: Router, request: NewRequest, { records = {}, users = [] }: Known = {}) {
  const handled: Handled = { items: {}, requests: [] };
  const claimed: ClaimedRequest & { userData: Record<string, unknown> } = {
    priority: 0,
    ...request,
    userData: router.route(request.label).userData.parse(request.userData),
    id: "request1",
    attempt: 1,
    retryCount: 0,
    errorMessages: [],
  };
  const context = {
    request: claimed,
    observedAt: OBSERVED_AT,
    async pushData(items: object | readonly object[], dataset: DatasetName) {
      // As it is stored: what was left out is not there.
      (handled.items[dataset] ??= []).push(...JSON.parse(JSON.stringify([items].flat())));
    },
    async getItems(dataset: DatasetName, keys: readonly string[]) {
      if (dataset !== "reddit_users") throw new Error(`no lookup in ${dataset}`);
      return keys.map((key) => users.find((user) => itemKey(dataset, user) === key) ?? null);
    },
    getRecord: async (key: string) => records[key],
    async setRecord(key: string, value: unknown) {
      records[key] = value;
    },
    async addRequests(requests: readonly NewRequest[]) {
      const fit = createQueueFit({ router });
      for (const one of requests) {
        // Or no queue with it could be opened again.
        const misfit = fit.misfit(JSON.parse(JSON.stringify(one)) as NewRequest);
        if (misfit !== null) throw new Error(`${one.label} ${one.uniqueKey}: ${misfit}`);
      }
      handled.requests.push(...requests);
    },
  };
  return { handled, context };
}
