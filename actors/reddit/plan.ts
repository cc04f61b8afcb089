import { z } from "zod";
import type { Age } from "../../shared/parse/list-end.ts";
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
interface Dated {
  created_utc?: string | null | undefined;
}

/** Whether the plan keeps something made at that time; what has no date is kept. */
export function isWanted({ since }: Plan, { created_utc }: Dated): boolean {
  return !since || !created_utc || created_utc >= since;
}

/** How something stands to what the plan keeps. */
export function ageOf(plan: Plan, { created_utc }: Dated): Age {
  if (!created_utc) return "unknown";
  return isWanted(plan, { created_utc }) ? "new" : "old";
}
