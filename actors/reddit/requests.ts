import type { NewRequest } from "../../shared/crawl/run-storage.ts";
import type { Input } from "./input.ts";
import { fitsList, isAggregate } from "./names.ts";
import { firstPage, PAGE_SIZE } from "./paging.ts";
import { toPlan } from "./plan.ts";
import { searchRequest } from "./requests-search.ts";
import { aboutRequest, chainRequests, infoRequest } from "./requests-subreddits.ts";
import { userRequest } from "./requests-users.ts";
import { chunk } from "./urls.ts";

/** The first requests of a run. The listings of subreddits follow the call for their facts, which shows how Reddit spells them. */
export function startRequests(input: Input): NewRequest[] {
  const plan = toPlan(input);
  const subreddits = input.subreddits.filter((name) => !isAggregate(name));
  const odd = subreddits.filter((name) => !fitsList(name));
  return [
    ...chunk(subreddits.filter(fitsList), PAGE_SIZE).map((names) => infoRequest({ names, plan })),
    ...odd.map((name) => aboutRequest({ name, plan })),
    ...chainRequests(odd, plan),
    ...chainRequests(input.subreddits.filter(isAggregate), plan),
    ...input.users.map((username) => userRequest({ username, plan, isPoster: false })),
    ...input.search.map((spec) => searchRequest({ spec, plan, paging: firstPage(spec.limit), authors: [] })),
  ].map((request) => ({ ...request, priority: 0 }));
}
