import type { HandlerContext, Router } from "../../shared/crawl/router.ts";
import { reportSkipped } from "../../shared/parse/report-skipped.ts";
import { parseMoreChildren, parseTree, type Comments } from "./parse-comment.ts";
import { isWanted } from "./plan.ts";
import { CommentsUserData, moreCommentsRequests, MoreCommentsUserData } from "./requests-comments.ts";

export function addCommentRoutes(router: Router): void {
  router.addHandler("COMMENTS", {
    userData: CommentsUserData,
    async handle(context) {
      const { plan } = context.request.userData;
      await collectComments(context, parseTree(context.body), {
        wanted: plan.comments.per_post,
        restIds: [],
      });
    },
  });

  router.addHandler("MORE_COMMENTS", {
    userData: MoreCommentsUserData,
    async handle(context) {
      await collectComments(context, parseMoreChildren(context.body), context.request.userData);
    },
    gone: askRest,
    failed: askRest,
  });
}

/** A call that fails loses its own comments, not those of the calls to come. */
async function askRest({
  request,
  addRequests,
}: Pick<HandlerContext<MoreCommentsUserData>, "request" | "addRequests">): Promise<void> {
  const { restIds, ...post } = request.userData;
  await addRequests(moreCommentsRequests(restIds, post));
}

/** Keeps as many comments as are still wanted, and asks for those that were only counted. */
async function collectComments(
  context: HandlerContext<CommentsUserData>,
  { comments, moreIds, skipped }: Comments,
  { wanted, restIds }: { wanted: number; restIds: readonly string[] },
): Promise<void> {
  const { request, pushData, addRequests } = context;
  const { postId, plan } = request.userData;
  const kept = comments.slice(0, wanted);
  await pushData(
    kept.filter((comment) => isWanted(plan, comment)),
    "reddit_comments",
  );
  await reportSkipped(context, skipped);
  await addRequests(
    moreCommentsRequests([...restIds, ...moreIds], { postId, plan, wanted: wanted - kept.length }),
  );
}
