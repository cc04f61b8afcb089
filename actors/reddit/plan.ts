import { z } from "zod";
import { CommentsSpec, HistorySpec, ListingSpec, type Input } from "./input.ts";

/** What of the run input travels with the requests, because handlers see nothing else of it. */
export const Plan = z.object({
  listings: z.array(ListingSpec),
  authors: z.enum(["none", "batch", "full"]),
  discover: z.boolean(),
  comments: CommentsSpec.optional(),
  /** Nothing older is kept; ISO 8601. */
  since: z.string().optional(),
  until_known: z.boolean(),
  rules: z.boolean(),
  user_history: HistorySpec,
});
export type Plan = z.infer<typeof Plan>;

export function toPlan(input: Input): Plan {
  return Plan.parse(input);
}

/** A post or comment as far as its place in time goes. */
export interface Dated {
  /** `t3_…` or `t1_…`. */
  fullname: string;
  created_utc?: string | null | undefined;
}

/** Whether the plan keeps something made at that time; what has no date is kept. */
export function isWanted({ since }: Plan, { created_utc }: Pick<Dated, "created_utc">): boolean {
  return !since || !created_utc || created_utc >= since;
}

/**
 * Whether everything after a page, in an order of time, is older than the plan keeps. The page's last item tells,
 * which its cursor names: pinned posts stand first, however old they are.
 */
export function endsTooOld(
  plan: Plan,
  { items, after }: { items: readonly Dated[]; after: string | null },
): boolean {
  const last = items.find(({ fullname }) => fullname === after);
  return last !== undefined && !isWanted(plan, last);
}
