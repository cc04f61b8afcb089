import { readKnown } from "../../shared/crawl/known-record.ts";
import type { HandlerContext } from "../../shared/crawl/router.ts";
import type { CreatorProfile, MetricsDoubt } from "./items.ts";
import { KnownCreator, knownKey } from "./known.ts";
import { creatorMetrics } from "./metrics.ts";
import { firstPage } from "./paging.ts";
import { limitsOf, type Plan } from "./plan.ts";
import { type Chain, listRequest, type ProfileUserData, relatedRequest, withCall } from "./requests.ts";
import { type ListName, LISTS } from "./parse-list.ts";
import { SOURCE } from "./sources.ts";

/** What a step may do, with an answer or without. */
export type StepContext = Omit<HandlerContext<unknown>, "body">;

/** Keeps a profile, and begins to read the lists of those that show them. */
export async function startChain(
  context: HandlerContext<ProfileUserData>,
  profile: CreatorProfile,
): Promise<void> {
  const { request, pushData, getRecord } = context;
  const { target, plan, source } = request.userData;
  const { ig_user_id, username } = profile;
  const costs = withCall(request.userData.costs, context, { source, plan });
  const key = knownKey(ig_user_id);
  const known = readKnown(KnownCreator, await getRecord(key), key);
  const isOpen = profile.availability === "ok";
  const item = { ...profile, ...renamed(profile, target.username, known), ...(!isOpen && costs) };
  await pushData(item, "instagram_creators");
  if (!isOpen) return;

  const isKnown = known !== null || target.newest_taken_at !== undefined;
  // Nothing to list is a list that was read.
  const isEmpty = profile.media_count === 0;
  await proceed(context, {
    creator: { ig_user_id, username },
    followers: profile.followers_count ?? null,
    plan,
    source,
    limits: limitsOf(plan, isKnown),
    endsAt: endOf(plan, [target.newest_taken_at, known?.newest_taken_at]),
    mediaCount: profile.media_count ?? null,
    sample: { posts: [], reels: [] },
    answered: { posts: isEmpty, reels: isEmpty },
    uncertain: [],
    costs,
  });
}

/**
 * The next step of a creator: its lists one after the other, what they say about it, and those beside it.
 * @param after the list that is over, read or not
 */
export async function proceed(context: StepContext, chain: Chain, after?: ListName): Promise<void> {
  const { limits, answered, plan } = chain;
  const rest = LISTS.slice(after === undefined ? 0 : LISTS.indexOf(after) + 1);
  const next = rest.find((list) => limits[list] > 0 && !answered[list]);
  if (next !== undefined) {
    const paging = firstPage(limits[next], SOURCE[chain.source].pageSize[next]);
    await context.addRequests([listRequest(next, { chain, paging })]);
    return;
  }
  await concludeLists(context, chain);
  if (plan.related) await context.addRequests([relatedRequest({ chain })]);
}

/** A list that was not read leaves the figures of earlier runs as they are, and what is known of the creator. */
async function concludeLists(
  { observedAt, pushData, getRecord, setRecord }: StepContext,
  { creator, followers, plan, limits, answered, uncertain, sample, costs }: Chain,
): Promise<void> {
  const { ig_user_id, username } = creator;
  const doubt: MetricsDoubt = { metrics_uncertain_lists: uncertain.length > 0 ? uncertain : null };
  const metrics = (answered.posts || answered.reels) && {
    ...creatorMetrics(sample, { followers, observedAt, viral: plan.viral, answered }),
    ...doubt,
  };
  await pushData({ ig_user_id, ...metrics, ...(!plan.related && costs) }, "instagram_creators");
  // The next run must read what this one did not.
  if (uncertain.length > 0 || LISTS.some((list) => limits[list] > 0 && !answered[list])) return;
  const dates = [...sample.posts, ...sample.reels].flatMap(({ takenAt }) => takenAt ?? []).sort();
  const key = knownKey(ig_user_id);
  const earlier = readKnown(KnownCreator, await getRecord(key), key)?.newest_taken_at ?? null;
  const newest_taken_at = [...dates, ...(earlier === null ? [] : [earlier])].sort().at(-1) ?? null;
  await setRecord(key, { username, newest_taken_at } satisfies KnownCreator);
}

/** The name that a creator went by before, where the input or an earlier run knew another one. */
function renamed(
  { username }: CreatorProfile,
  asked: string | undefined,
  known: KnownCreator | null,
): Pick<CreatorProfile, "previous_usernames"> {
  const before = [asked, known?.username].filter((name) => name !== undefined && name !== username);
  return before.length > 0 ? { previous_usernames: [...new Set(before as string[])] } : {};
}

/**
 * The last moment that is not wanted: before `since`, or known. Of two that say what is known the older one counts:
 * a list that one of them did not see may have more.
 */
function endOf({ since, until_known }: Plan, newest: readonly (string | null | undefined)[]): string | null {
  const beforeSince = since === undefined ? null : new Date(Date.parse(since) - 1).toISOString();
  const known = newest.filter((date) => typeof date === "string").sort()[0];
  const ends = [beforeSince, until_known ? known : null].filter((end) => typeof end === "string");
  return ends.sort().at(-1) ?? null;
}
