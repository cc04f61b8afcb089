import type { HandlerContext, Router } from "../../shared/crawl/router.ts";
import { collectPosts, fullnameOf, reportSkipped } from "./collect.ts";
import { toComment } from "./parse-comment.ts";
import { parseListing } from "./parse-listing.ts";
import { readPost, splitPosts, type Post } from "./parse-post.ts";
import { parseAccounts, parseUserAbout, type UserAbout } from "./parse-user.ts";
import { endsTooOld, isWanted } from "./plan.ts";
import { followChain } from "./follow-chain.ts";
import { firstPage, nextPage } from "./paging.ts";
import { AuthorsUserData, historyRequest, HistoryUserData, UserUserData } from "./requests-users.ts";
import { submissionMetrics, userScores } from "./user-metrics.ts";

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
    async handle({ request, body, observedAt, pushData, addRequests }) {
      const { plan, isPoster } = request.userData;
      const { user, isOpen } = parseUserAbout(body);
      await pushData({ ...user, ...scoresOf(user, observedAt) }, "reddit_users");
      const hasPosts = isPoster || ("link_karma" in user && (user.link_karma ?? 0) > 1);
      const paging = firstPage(plan.user_history.limit);
      if (isOpen) await addRequests([historyRequest({ username: user.username, plan, paging, hasPosts })]);
    },
    async gone({ request, gone, pushData }) {
      if (gone.availability === null) return;
      const { availability, reason } = gone;
      const { username } = request.userData;
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
  if (paging.afters.length === 0) await pushHistoryFacts(context, posts, items.t1.length);

  const dated = [
    ...posts.map((post) => ({ fullname: fullnameOf(post), created_utc: post.created_utc })),
    ...items.t1.map(({ reddit_id, created_utc }) => ({ fullname: `t1_${reddit_id}`, created_utc })),
  ];
  if (plan.user_history.sort === "new" && endsTooOld(plan, { items: dated, after })) return;
  const next = nextPage(paging, { ids: dated.map(({ fullname }) => fullname), after });
  if (next) await addRequests([historyRequest({ ...request.userData, paging: next })]);
}

/** What the first page of a history says about its user. An empty one of somebody who posts is a hidden one. */
async function pushHistoryFacts(
  { request, pushData }: HandlerContext<HistoryUserData>,
  posts: readonly Post[],
  comments: number,
): Promise<void> {
  const { username, plan, hasPosts } = request.userData;
  const { listing, sort } = plan.user_history;
  if (listing === "comments") return;
  const isEmpty = posts.length + comments === 0;
  const history_hidden = !isEmpty ? "no" : hasPosts ? "likely" : "unknown";
  const metrics = sort === "new" && submissionMetrics(posts);
  await pushData({ username, history_hidden, ...metrics }, "reddit_users");
}

function scoresOf(user: UserAbout["user"], observedAt: string) {
  if (!("total_karma" in user)) return {};
  const { username, created_utc, comment_karma, total_karma } = user;
  if (created_utc == null || comment_karma == null || total_karma == null) return {};
  return userScores({ username, created_utc, comment_karma, total_karma }, observedAt);
}
