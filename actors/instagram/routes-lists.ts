import type { HandlerContext, Leftover, Router } from "../../shared/crawl/router.ts";
import { reportSkipped } from "../../shared/parse/report-skipped.ts";
import { proceed } from "./chain.ts";
import { toPost, toReel } from "./media.ts";
import { firstPage, nextPage, reachesEnd, withinLimit } from "./paging.ts";
import { isWanted } from "./plan.ts";
import { type Chain, type Ended, listRequest, ListUserData, nextSource, withCall } from "./requests.ts";
import { addToSample } from "./sample.ts";
import type { ListName } from "./parse-list.ts";
import { SOURCE, sourceOf } from "./sources.ts";

export function addListRoutes(router: Router): void {
  addListRoute(router, "posts");
  addListRoute(router, "reels");
}

function addListRoute(router: Router, list: ListName): void {
  router.addHandler(list.toUpperCase(), {
    userData: ListUserData,
    handle: (context) => handleList(context, list),
    async gone(context) {
      // A fact about the creator that came between is the next run's: the profile will tell it.
      if (context.gone.availability === null) return askElsewhere(context, list);
      return endUnfinished(context, chainAfter(context), list);
    },
    failed: (context) => askElsewhere(context, list),
  });
}

async function handleList(context: HandlerContext<ListUserData>, list: ListName): Promise<void> {
  const { request, body, pushData, addRequests } = context;
  const { paging } = request.userData;
  const chain = chainAfter(context);
  const source = SOURCE[chain.source];
  const { media, skipped, cursor } = source.parseList(body, { list, isFirst: paging.cursors.length === 0 });
  const owner = {
    ig_user_id: chain.creator.ig_user_id,
    followers_count: chain.followers,
    source: sourceOf(source, request.url),
  };
  const toItem = list === "posts" ? toPost : toReel;
  const page = media.map((seen) => toItem(seen, owner));
  // A page may have more than is wanted of the list.
  const entries = withinLimit(paging, page, chain.plan);
  const items = entries.filter(({ taken_at }) => isWanted(chain.plan, taken_at));
  await pushData(items, list === "posts" ? "instagram_posts" : "instagram_reels");
  await reportSkipped(context, skipped);

  const sample = { ...chain.sample, [list]: addToSample(chain.sample[list], items) };
  const isDone = reachesEnd(paging, page, chain.endsAt);
  const total = chain.mediaCount;
  const cannotBeEmpty = list === "posts" && total !== null && total > 0;
  const next = nextPage(
    paging,
    { entries, tooOld: entries.length - items.length, cursor },
    { isDone, total, cannotBeEmpty },
  );
  if (next === "cut") {
    const leftover = await askElsewhere(context, list, sample);
    if (leftover !== "none") await reportSkipped(context, [{ id: "rest", reason: cutReason(paging) }]);
    return;
  }
  if (next !== "end") return addRequests([listRequest(list, { chain: { ...chain, sample }, paging: next })]);
  const answered = { ...chain.answered, [list]: true };
  await proceed(context, { ...chain, sample, answered }, list);
}

function cutReason({ cursors, entries }: ListUserData["paging"]): string {
  return `page ${cursors.length + 1} came empty twice: what is behind the first ${entries} entries is not known`;
}

type Unfinished = Omit<HandlerContext<ListUserData>, "body"> & { wasSent?: boolean };

/** The list from its beginning at the next source; where there is none, the creator goes on with what was read. */
async function askElsewhere(
  context: Unfinished,
  list: ListName,
  sample = context.request.userData.chain.sample,
): Promise<Leftover> {
  const chain = { ...chainAfter(context), sample };
  const source = nextSource(chain.plan, chain.source);
  if (source === null) return endUnfinished(context, chain, list);
  const paging = firstPage(chain.limits[list], SOURCE[source].pageSize[list]);
  await context.addRequests([listRequest(list, { chain: { ...chain, source }, paging })]);
  return "none";
}

/** What came of a list stays, though nobody knows what follows: one of which nothing came was not read. */
async function endUnfinished(context: Unfinished, chain: Chain, list: ListName): Promise<void> {
  const { paging } = context.request.userData;
  if (paging.entries === 0 && chain.sample[list].length === 0) return proceed(context, chain, list);
  const answered = { ...chain.answered, [list]: true };
  await proceed(context, { ...chain, answered, uncertain: [...chain.uncertain, list] }, list);
}

/** With what this request has cost. */
function chainAfter(context: Pick<HandlerContext<ListUserData>, "request"> & Ended): Chain {
  const { chain } = context.request.userData;
  return { ...chain, costs: withCall(chain.costs, context, chain) };
}
