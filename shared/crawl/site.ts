import type { BudgetReading } from "./budget.ts";
import type { SiteRules } from "./classify.ts";
import type { Headers } from "./outcome.ts";

/** What the kit must know of a site; everything else is the actor's. */
export interface Site {
  name: string;
  /** Requests carry a token: only identities that can get one are of use. */
  needsToken: boolean;
  rules: SiteRules;
  /**
   * The request that goes out for a queued one, whose URL is the site's canonical one. The identity's user agent
   * comes on top.
   */
  wireRequest(
    url: string,
    credentials: { token: string | null },
  ): { url: string; headers: Record<string, string> };
  /** The budget's window by the answer's headers; `null` when they tell nothing. */
  readBudget(headers: Headers): BudgetReading | null;
}
