import { z } from "zod";
import type { Config } from "../../shared/config.ts";
import { type Input, SOURCES } from "./input.ts";

/** What of the run input and the settings travels with the requests, because handlers see nothing else of them. */
export const Plan = z.object({
  posts: z.int().optional(),
  reels: z.int().optional(),
  /** Nothing older is kept; ISO 8601. */
  since: z.string().optional(),
  until_known: z.boolean(),
  related: z.boolean(),
  /** In the order in which they are asked. */
  sources: z.array(z.enum(SOURCES)).min(1),
  /** When a reel is viral. */
  viral: z.object({ plays: z.number(), factor: z.number() }),
  /** Of a call to the data API; the others cost nothing. */
  apiPriceUsd: z.number(),
});
export type Plan = z.infer<typeof Plan>;

export function toPlan(input: Input, config: Config): Plan {
  return Plan.parse({
    ...input,
    sources: input.source ? [input.source] : [...new Set(config.instagramSources)],
    viral: { plays: config.instagramViralPlays, factor: config.instagramViralFactor },
    apiPriceUsd: config.instagramApiPriceUsd,
  });
}

/** Entries that are read of each list unless the input says otherwise. */
const FIRST_TIME = { posts: 24, reels: 36 };
const KNOWN = { posts: 12, reels: 12 };

/** @param isKnown an earlier run has seen the creator's lists */
export function limitsOf(
  plan: Pick<Plan, "posts" | "reels">,
  isKnown: boolean,
): { posts: number; reels: number } {
  const byDefault = isKnown ? KNOWN : FIRST_TIME;
  return { posts: plan.posts ?? byDefault.posts, reels: plan.reels ?? byDefault.reels };
}

/** Whether the plan keeps something taken at that time; what has no date is kept. */
export function isWanted({ since }: Pick<Plan, "since">, takenAt: string | undefined): boolean {
  return since === undefined || takenAt === undefined || takenAt >= since;
}
