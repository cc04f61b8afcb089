import type { HandlerContext, Router } from "../../shared/crawl/router.ts";
import { isPastNew } from "../../shared/parse/list-end.ts";
import { reportSkipped } from "../../shared/parse/report-skipped.ts";
import { readParts } from "../../shared/parse/parts.ts";
import { foldName } from "../../shared/parse/text.ts";
import { collectPosts, fullnameOf } from "./collect.ts";
import { toComment } from "./parse-comment.ts";
import { parseListing } from "./parse-listing.ts";
import { readPost, splitPosts } from "./parse-post.ts";
import { parseAccounts, parseUserAbout, type UserAbout } from "./parse-user.ts";
import { ageOf, isWanted } from "./plan.ts";
import { followChain } from "./follow-chain.ts";
import { firstPage, nextPage } from "./paging.ts";
import { AuthorsUserData, historyRequest, HistoryUserData, UserUserData } from "./requests-users.ts";
import {
  newestSubmissions,
  NO_SCORES,
  submissionMetrics,
  userScores,
  type Submission,
} from "./user-metrics.ts";

export function addUserRoutes(router: Router): void {
  router.addHandler("AUTHORS", {
    userData: AuthorsUserData,
    async handle(context) {
      const { authors, skipped } = parseAccounts(context.body);
      await context.pushData(authors, "reddit_users");
      await reportSkipped(context, skipped);
      await followChain(context, context.request.userData.chain, authors);
    },
    // None of these accounts is left, or the site does not tell.
    gone: async (context) => followChain(context, context.request.userData.chain),
    failed: async (context) => followChain(context, context.request.userData.chain),
  });

  router.addHandler("USER", {
    userData: UserUserData,
    async handle(context) {
      const { request, body, observedAt, pushData, addRequests } = context;
      const { plan, isPoster } = request.userData;
      const { value: about, skipped } = readParts("about", () => parseUserAbout(body));
      const { user, isOpen } = about;
      await pushData({ ...user, ...scoresOf(user, observedAt) }, "reddit_users");
      const hasPosts = isPoster || ("link_karma" in user && (user.link_karma ?? 0) > 1);
      const paging = firstPage(plan.user_history.limit);
      const start = { username: user.username, plan, paging, hasPosts, newest: [] };
      if (isOpen) await addRequests([historyRequest(start)]);
      await reportSkipped(context, skipped);
    },
    async gone({ request, gone, pushData, getItems }) {
      if (gone.availability === null) return;
      const { availability, reason } = gone;
      const { username: asked } = request.userData;
      // Where another answer told how Reddit spells it, that stays.
      const [known] = await getItems("reddit_users", [foldName(asked)]);
      const username = known?.["username"] ?? asked;
      await pushData({ username, availability, availability_reason: reason }, "reddit_users");
    },
  });

  router.addHandler("HISTORY", { userData: HistoryUserData, handle: handleHistory });
}

async function handleHistory(context: HandlerContext<HistoryUserData>): Promise<void> {
  const { request, body, pushData, addRequests } = context;
  const { username, plan, paging } = request.userData;
  const { items, skipped, after } = parseListing(body, { t3: readPost, t1: toComment });
  const { posts, origins } = splitPosts(items.t3);
  await collectPosts(context, { posts, origins }, { plan, seenIn: `u/${username}` });
  await pushData(
    items.t1.filter((comment) => isWanted(plan, comment)),
    "reddit_comments",
  );
  await reportSkipped(context, skipped);
  const newest = newestSubmissions([...request.userData.newest, ...posts]);
  await pushHistoryFacts(context, { newest, isEmpty: posts.length + items.t1.length === 0 });

  // Of an overview, posts and comments each keep their order.
  const isOver = [posts, items.t1]
    .filter((list) => list.length > 0)
    .every((list) =>
      isPastNew(
        list.map((item) => ageOf(plan, item)),
        { isFirst: paging.afters.length === 0 },
      ),
    );
  if (plan.user_history.sort === "new" && posts.length + items.t1.length > 0 && isOver) return;
  const ids = [...posts.map(fullnameOf), ...items.t1.map(({ reddit_id }) => `t1_${reddit_id}`)];
  const next = nextPage(paging, { ids, after });
  if (next) await addRequests([historyRequest({ ...request.userData, paging: next, newest })]);
}

/**
 * What a history says so far about its user. An empty one of somebody who posts is a hidden one; the averages grow
 * with the pages, for those of an overview may hold few posts.
 */
async function pushHistoryFacts(
  { request, pushData }: HandlerContext<HistoryUserData>,
  { newest, isEmpty }: { newest: readonly Submission[]; isEmpty: boolean },
): Promise<void> {
  const { username, plan, paging, hasPosts, newest: earlier } = request.userData;
  const { listing, sort } = plan.user_history;
  const isFirstPage = paging.afters.length === 0;
  if (listing === "comments" || (!isFirstPage && newest.length === earlier.length)) return;
  const history_hidden = !isEmpty ? "no" : hasPosts ? "likely" : "unknown";
  const metrics = sort === "new" && submissionMetrics(newest);
  await pushData({ username, ...(isFirstPage && { history_hidden }), ...metrics }, "reddit_users");
}

function scoresOf(user: UserAbout["user"], observedAt: string) {
  if (!("total_karma" in user)) return {};
  const { username, created_utc, comment_karma, total_karma } = user;
  if (created_utc === null || comment_karma === null || total_karma === null) return NO_SCORES;
  if (created_utc === undefined || comment_karma === undefined || total_karma === undefined) return {};
  return userScores({ username, created_utc, comment_karma, total_karma }, observedAt);
}
