import { z } from "zod";
import type { Config } from "../../shared/config.ts";
import type { NewRequest } from "../../shared/crawl/run-storage.ts";
import { type Input, SOURCES, Target, targetsOf } from "./input.ts";
import { Paging } from "./paging.ts";
import { Plan, toPlan } from "./plan.ts";
import { Sample } from "./sample.ts";
import { DOCUMENTS, queryProbeUrl } from "./source-web.ts";
import { type ListName, LISTS } from "./parse-list.ts";
import { SOURCE } from "./sources.ts";

/** What has been spent on a creator so far. */
export const Costs = z.object({ api_calls: z.int(), api_cost_usd: z.number() });
export type Costs = z.infer<typeof Costs>;

export const ProfileUserData = z.object({
  target: Target,
  plan: Plan,
  source: z.enum(SOURCES),
  costs: Costs,
});
export type ProfileUserData = z.infer<typeof ProfileUserData>;

/** A creator whose profile is read, and how far its lists are. */
export const Chain = z.object({
  creator: z.object({ ig_user_id: z.string(), username: z.string() }),
  /** At the time of the profile. */
  followers: z.number().nullable(),
  plan: Plan,
  source: z.enum(SOURCES),
  /** Entries wanted of each list. */
  limits: z.object({ posts: z.int(), reels: z.int() }),
  /** What was taken then or before is known or too old; `null`: all is wanted. */
  endsAt: z.string().nullable(),
  /** By the profile: with any, an empty grid would be a failure. */
  mediaCount: z.int().nullable(),
  /** What was read of each list. */
  sample: Sample,
  answered: z.object({ posts: z.boolean(), reels: z.boolean() }),
  /** Lists that were read as far as they could be: whether they go on, nobody knows. */
  uncertain: z.array(z.enum(LISTS)).default([]),
  costs: Costs,
});
export type Chain = z.infer<typeof Chain>;

export const ListUserData = z.object({ chain: Chain, paging: Paging });
export type ListUserData = z.infer<typeof ListUserData>;

export const RelatedUserData = z.object({ chain: Chain });
export type RelatedUserData = z.infer<typeof RelatedUserData>;

export const ProbeUserData = z.object({ document: z.enum(DOCUMENTS) });

/** The first requests of a run. Where the web is the first source, its queries are tried before creators are. */
export function startRequests(input: Input, config: Config): NewRequest[] {
  const plan = toPlan(input, config);
  const [source] = plan.sources;
  const costs = { api_calls: 0, api_cost_usd: 0 };
  return [
    ...(source === "web" ? DOCUMENTS.map(probeRequest) : []),
    ...targetsOf(input).flatMap((target) => profileRequest({ target, plan, source: source!, costs })),
  ];
}

/** None where no source can find the creator by what is known. */
export function profileRequest(userData: ProfileUserData): NewRequest[] {
  const { target, plan, source } = userData;
  const url = SOURCE[source].profileUrl(target);
  if (url === null) {
    const next = nextSource(plan, source);
    return next === null ? [] : profileRequest({ ...userData, source: next });
  }
  const key = target.ig_user_id ?? target.username!;
  return [{ url, uniqueKey: `profile ${source} ${key}`, label: "PROFILE", userData: { ...userData } }];
}

export function listRequest(list: ListName, userData: ListUserData): NewRequest {
  const { chain, paging } = userData;
  const { limit, cursors, isAgain } = paging;
  const { creator, source } = chain;
  return {
    url: SOURCE[source].listUrl(list, creator, { cursor: cursors.at(-1) ?? null, limit }),
    uniqueKey: `${list} ${source} ${creator.ig_user_id} ${cursors.length}${isAgain ? " again" : ""}`,
    label: list.toUpperCase(),
    userData: { ...userData },
    // A creator that was begun is finished before the next one.
    priority: 1,
  };
}

export function relatedRequest({ chain }: RelatedUserData): NewRequest {
  const { creator, source } = chain;
  return {
    url: SOURCE[source].relatedUrl(creator),
    uniqueKey: `related ${source} ${creator.ig_user_id}`,
    label: "RELATED",
    userData: { chain },
    priority: 1,
  };
}

function probeRequest(document: (typeof DOCUMENTS)[number]): NewRequest {
  return {
    url: queryProbeUrl(document),
    uniqueKey: `probe ${document}`,
    label: "PROBE",
    userData: { document },
    priority: 2,
  };
}

/** The source that is asked when this one has failed; `null` when it is the last. */
export function nextSource({ sources }: Pick<Plan, "sources">, source: Plan["sources"][number]) {
  return sources[sources.indexOf(source) + 1] ?? null;
}

/** A request that is over, one way or the other. */
export interface Ended {
  request: { retryCount: number };
  /** @default true */
  wasSent?: boolean;
}

/** What a request adds to its creator's costs. */
export function withCall(
  costs: Costs,
  { request, wasSent = true }: Ended,
  { source, plan }: Pick<Chain, "source" | "plan">,
): Costs {
  const attempts = request.retryCount + (wasSent ? 1 : 0);
  const price = source === "api" ? plan.apiPriceUsd : 0;
  return { api_calls: costs.api_calls + attempts, api_cost_usd: costs.api_cost_usd + attempts * price };
}
