import type { BudgetCeiling, Reading } from "./budget.ts";
import type { SiteRules } from "./classify.ts";
import type { HttpClient } from "./http-client.ts";
import type { Headers } from "./outcome.ts";

/** What goes out for a queued request. */
export interface WireRequest {
  url: string;
  headers: Record<string, string>;
  /** @default "GET" */
  method?: "GET" | "POST";
  body?: string;
}

/** What the kit must know of a site; everything else is the actor's. */
export interface Site {
  name: string;
  /** Requests carry a token: only identities that can get one are of use. */
  needsToken: boolean;
  rules: SiteRules;
  /** Limits of what the site counts as one client, the shortest window first. @default that of the REDDIT_ settings */
  ceilings?: readonly (BudgetCeiling & {
    /** Its window is shorter than an answer takes: calls keep an even distance. */
    isPaced?: boolean;
  })[];
  /**
   * The request that goes out for a queued one, whose URL is the site's canonical one. The identity's user agent
   * comes on top.
   */
  wireRequest(url: string, credentials: { token: string | null }): WireRequest;
  /** The budget's window by the answer's headers. */
  readBudget(headers: Headers): Reading;
  /** What a quota has left that no run outlives, by an answer's headers; `null` when they tell nothing. */
  readQuota?(headers: Headers): Quota | null;
  /** Whether a request is this site's, by its canonical URL; for crawls that have several sites. @default all are */
  serves?(url: string): boolean;
  /**
   * What of it the site serves one at a time to each client, by name, whatever the budget has left: `morechildren`.
   * @default nothing: `null`
   */
  oneAtATime?(url: string): string | null;
  /** What a call counts as in the ledger, unless it is refused. @default calls are not kept */
  usage?(url: string): CallPrice;
  /** Another way to the site than HTTP. */
  createClient?(): HttpClient;
}

export interface Quota {
  /** Calls; with none, the identity is of no use any more. */
  left: number;
  /** What to say then. */
  reason: string;
}

export interface CallPrice {
  provider: string;
  endpoint: string;
  costUsd: number;
}
