import { readKnown } from "../../shared/crawl/known-record.ts";
import type { GoneContext, HandlerContext, Router } from "../../shared/crawl/router.ts";
import { type Age, isPastNew } from "../../shared/parse/list-end.ts";
import { reportSkipped } from "../../shared/parse/report-skipped.ts";
import { readParts } from "../../shared/parse/parts.ts";
import { withAuthors } from "./chain.ts";
import { collectPosts, fullnameOf } from "./collect.ts";
import { addAuthors } from "./follow-chain.ts";
import { knownKey, KnownPosts, rememberPosts } from "./known-posts.ts";
import { addToSample, subredditMetrics } from "./metrics.ts";
import { isAggregate, sameName } from "./names.ts";
import { freshIds, LISTING_CAP, nextPage, type Paging } from "./paging.ts";
import { parsePosts, type Post } from "./parse-post.ts";
import { parseRules } from "./parse-rules.ts";
import { parseAbout, parseSubreddits, type Subreddit } from "./parse-subreddit.ts";
import { ageOf, type Plan } from "./plan.ts";
import {
  aboutRequest,
  AboutUserData,
  chainRequests,
  InfoUserData,
  listingRequest,
  ListingUserData,
  nextListing,
  rulesRequest,
  RulesUserData,
} from "./requests-subreddits.ts";
import { findVerification } from "./verification.ts";

export function addSubredditRoutes(router: Router): void {
  router.addHandler("INFO", {
    userData: InfoUserData,
    async handle(context) {
      const { request, body, addRequests } = context;
      const { names, plan } = request.userData;
      const { subreddits, skipped } = parseSubreddits(body);
      await pushSubreddits(context, subreddits, plan);
      await reportSkipped(context, skipped);
      const spelled = new Map(subreddits.map(({ name }) => [name.toLowerCase(), name]));
      const missing = names.filter((name) => !spelled.has(name.toLowerCase()));
      await addRequests(missing.map((name) => aboutRequest({ name, plan })));
      // From here on by the names as Reddit spells them: whatever is stated about one is stored under it.
      const spellings = names.map((name) => spelled.get(name.toLowerCase()) ?? name);
      await addRequests(chainRequests(spellings, plan));
    },
    gone: askEach,
    failed: askEach,
  });

  router.addHandler("ABOUT", {
    userData: AboutUserData,
    async handle(context) {
      const { value: subreddit, skipped } = readParts("about", () => parseAbout(context.body));
      await pushSubreddits(context, [subreddit], context.request.userData.plan);
      await reportSkipped(context, skipped);
    },
    async gone(context) {
      await pushAvailability(context, context.request.userData.name);
    },
  });

  router.addHandler("RULES", {
    userData: RulesUserData,
    async handle(context) {
      const { request, body, pushData } = context;
      const { subreddit: name, evidence } = request.userData;
      const { value: rules, skipped } = readParts("rules", () => parseRules(body));
      const sentence =
        evidence ?? findVerification(rules.flatMap((rule) => [rule.short_name, rule.description]));
      const verification = { verification_required: sentence !== null, verification_evidence: sentence };
      // A `no` needs them all.
      const isTold = sentence !== null || skipped.length === 0;
      await pushData({ name, rules_data: rules, ...(isTold && verification) }, "reddit_subreddits");
      await reportSkipped(context, skipped);
    },
  });

  router.addHandler("LISTING", {
    userData: ListingUserData,
    handle: handleListing,
    async gone(context) {
      if (isAboutListing(context.gone)) return skipListing(context);
      await pushAvailability(context, context.request.userData.subreddit);
      await endSubreddit(context, context.request.userData);
    },
    failed: skipListing,
  });
}

/** Where the call for all of them fails, each subreddit is asked about for itself. */
async function askEach({
  request,
  addRequests,
}: Pick<HandlerContext<InfoUserData>, "request" | "addRequests">): Promise<void> {
  const { names, plan } = request.userData;
  await addRequests(names.map((name) => aboutRequest({ name, plan })));
  await addRequests(chainRequests(names, plan));
}

async function handleListing(context: HandlerContext<ListingUserData>): Promise<void> {
  const { request, body, addRequests } = context;
  const { userData } = request;
  const { subreddit, chain } = userData;
  const page = parsePosts(body);
  const { posts, skipped, after } = page;
  const wanted = await collectPosts(context, page, { plan: chain.plan, seenIn: `r/${subreddit}` });
  await reportSkipped(context, skipped);
  const state: ListingUserData = {
    ...userData,
    subreddit: spellingIn(posts, subreddit),
    authors: chain.plan.authors === "none" ? [] : withAuthors(userData.authors, wanted),
    week: await pushMetrics(context, posts),
  };
  const paging = await nextOfListing(context, { posts, after });
  const next = paging ? { ...state, paging } : nextListing(state);
  if (next) await addRequests([listingRequest(next)]);
  else await endSubreddit(context, state, { isAnswered: true });
}

/**
 * Whether an answer may be about this page or listing alone. A bare 404 may: an unknown subreddit is a redirect, a
 * banned one has a reason, and what else there is to know the subreddit's `about` says.
 */
function isAboutListing({ availability, status, reason }: GoneContext<unknown>["gone"]): boolean {
  return availability === null || (status === 404 && reason === "not_found");
}

/** What states nothing about the subreddit is about this one listing: the others are still worth asking for. */
async function skipListing(context: Omit<HandlerContext<ListingUserData>, "body">): Promise<void> {
  const next = nextListing(context.request.userData);
  if (next) await context.addRequests([listingRequest(next)]);
  else await endSubreddit(context, context.request.userData);
}

/** On to the chain's next subreddit. That nobody was seen is a fact only where the site showed who there is. */
async function endSubreddit(
  context: Omit<HandlerContext<ListingUserData>, "body">,
  { subreddit, authors, chain }: ListingUserData,
  { isAnswered = false } = {},
): Promise<void> {
  const hasSample =
    chain.plan.authors !== "none" && (isAnswered || authors.length > 0) && !isAggregate(subreddit);
  await addAuthors(context, chain, { subreddit: hasSample ? subreddit : null, authors });
}

/** The listing's next page; `null` when it is over, and then, where the plan says so, its posts are remembered. */
async function nextOfListing(
  { request, getRecord, setRecord }: HandlerContext<ListingUserData>,
  { posts, after }: { posts: readonly Post[]; after: string | null },
): Promise<Paging | null> {
  const { subreddit, chain, listings, paging } = request.userData;
  const { plan } = chain;
  const ids = posts.map(fullnameOf);
  if (listings[0]!.sort !== "new") return nextPage(paging, { ids, after });
  const isFirst = paging.afters.length === 0;
  if (!plan.until_known) {
    const ages = unpinned(posts).map((post) => ageOf(plan, post));
    return isPastNew(ages, { isFirst }) ? null : nextPage(paging, { ids, after });
  }

  const key = knownKey(subreddit);
  const known = readKnown(KnownPosts, await getRecord(key), key) ?? { ids: [] };
  // Where there is something to reach, the limit would leave a gap that no later run fills.
  const limit = known.ids.length > 0 ? LISTING_CAP : paging.limit;
  const ages = unpinned(posts).map((post): Age => {
    const place = known.ids.indexOf(fullnameOf(post));
    if (place === 0) return "last";
    return place > 0 ? "old" : ageOf(plan, post);
  });
  const next = isPastNew(ages, { isFirst }) ? null : nextPage({ ...paging, limit }, { ids, after });
  if (!next) await setRecord(key, rememberPosts(known, [...paging.seenIds, ...ids]));
  return next;
}

/** Stickied posts stand first in some listings, however old they are. */
function unpinned(posts: readonly Post[]): Post[] {
  return posts.filter(({ stickied }) => stickied !== true);
}

/** Pushes what the week's top posts say so far, and returns the sums. */
async function pushMetrics(
  { request, observedAt, pushData }: HandlerContext<ListingUserData>,
  posts: readonly Post[],
): Promise<ListingUserData["week"]> {
  const { subreddit, listings, paging, week } = request.userData;
  const { sort, time } = listings[0]!;
  if (sort !== "top" || time !== "week" || isAggregate(subreddit)) return week;
  const fresh = new Set(freshIds(paging, posts.map(fullnameOf)));
  const sample = addToSample(
    week,
    posts.filter((post) => fresh.delete(fullnameOf(post))),
  );
  const name = spellingIn(posts, subreddit);
  await pushData({ name, ...subredditMetrics(sample, observedAt) }, "reddit_subreddits");
  return sample;
}

/** A subreddit's name as Reddit writes it, where a post of it tells. */
function spellingIn(posts: readonly Post[], subreddit: string): string {
  return posts.find((post) => sameName(post.subreddit_name, subreddit))?.subreddit_name ?? subreddit;
}

/** Facts, with what the descriptions say about verification; a `no` needs the rules too, which are asked for. */
async function pushSubreddits(
  { pushData, addRequests }: Pick<HandlerContext, "pushData" | "addRequests">,
  subreddits: readonly Subreddit[],
  plan: Plan,
): Promise<void> {
  for (const subreddit of subreddits) {
    const evidence = findVerification([subreddit.description, subreddit.public_description]);
    const verification = evidence && { verification_required: true, verification_evidence: evidence };
    await pushData({ ...subreddit, ...verification }, "reddit_subreddits");
    if (plan.rules) await addRequests([rulesRequest({ subreddit: subreddit.name, evidence })]);
  }
}

/** What the site stated about a subreddit instead of answering; an answer that states nothing changes nothing. */
async function pushAvailability({ gone, pushData }: GoneContext<unknown>, name: string): Promise<void> {
  if (gone.availability === null) return;
  const { availability, reason } = gone;
  await pushData({ name, availability, availability_reason: reason }, "reddit_subreddits");
}
