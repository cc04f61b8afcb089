import type { z } from "zod";
import type { DatasetName } from "../datasets.ts";
import type { Outcome } from "./outcome.ts";
import type { ClaimedRequest, Item, NewRequest } from "./run-storage.ts";

/** What a handler gets. Nothing that it does counts before its request is committed. */
export interface HandlerContext<UserData = Record<string, unknown>> {
  request: ClaimedRequest & { userData: UserData };
  /** The answer's JSON; integers beyond 2^53 are exact strings. */
  body: unknown;
  /** When the answer came, ISO 8601: every pushed item's `observed_at`. */
  observedAt: string;
  /**
   * Adds items to a dataset. `observed_at` is added to each, and `source` (the path that was asked) where it is missing.
   * What an item does not carry (`undefined`) is not stored; `null` is stored as "known to be absent".
   */
  pushData(items: object | readonly object[], dataset: DatasetName): Promise<void>;
  /** Enqueues; requests whose `uniqueKey` the queue has seen are ignored. */
  addRequests(requests: readonly NewRequest[]): Promise<void>;
  /** Items that the run has by now, by key; `null` for those that it has not. Datasets marked `lookup` only. */
  getItems(dataset: DatasetName, keys: readonly string[]): Promise<(Item | null)[]>;
  /** A record that outlives the run, as earlier runs and committed requests of this one left it. */
  getRecord(key: string): Promise<unknown>;
  /** Stored right after the request is committed: a crash in between leaves the older record. */
  setRecord(key: string, value: unknown): Promise<void>;
}

/** For a target about which the site stated a fact instead of answering. The kit adds the request itself to `failed_requests`. */
export interface GoneContext<UserData = Record<string, unknown>> extends Omit<
  HandlerContext<UserData>,
  "body"
> {
  gone: Extract<Outcome, { kind: "gone" }>;
}

/** For a request that is given up without an answer about its target. */
export interface FailedContext<UserData = Record<string, unknown>> extends Omit<
  HandlerContext<UserData>,
  "body"
> {
  /** False when nobody could send it: every identity for it is of no use any more. */
  wasSent: boolean;
}

/** What is left of a request without its answer: nothing, where another does its work, so that it has not failed. */
export type Leftover = "none" | void;

export interface Route<UserData> {
  /** Checked on every request before its handler sees it. */
  userData: z.ZodType<UserData>;
  handle(context: HandlerContext<UserData>): Promise<void>;
  /** What to keep of the fact; without it only `failed_requests` tells. */
  gone?(context: GoneContext<UserData>): Promise<Leftover>;
  /** What to do without the answer, when the request is given up for any other reason. */
  failed?(context: FailedContext<UserData>): Promise<Leftover>;
}

export interface Router {
  addHandler<UserData>(label: string, route: Route<UserData>): void;
  /** @throws {UnknownLabelError} naming the label and those that exist */
  route(label: string): Route<Record<string, unknown>>;
}

export class UnknownLabelError extends Error {
  override name = "UnknownLabelError";
}

/** Label → handler. */
export function createRouter(): Router {
  const routes = new Map<string, Route<Record<string, unknown>>>();
  return {
    addHandler(label, route) {
      if (routes.has(label)) throw new Error(`label ${label} already has a handler`);
      // The kit parses userData with the route's own schema before it calls the route.
      routes.set(label, route as unknown as Route<Record<string, unknown>>);
    },
    route(label) {
      const route = routes.get(label);
      if (!route)
        throw new UnknownLabelError(
          `no handler for label ${label}; there are ${[...routes.keys()].join(", ")}`,
        );
      return route;
    },
  };
}
