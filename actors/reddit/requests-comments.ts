import { z } from "zod";
import type { NewRequest } from "../../shared/crawl/run-storage.ts";
import { pathSegment } from "../../shared/parse/addresses.ts";
import { PAGE_SIZE } from "./paging.ts";
import { Plan } from "./plan.ts";
import { CONTINUED, redditUrl } from "./urls.ts";

/** Most comments that Reddit puts in one answer. */
const MAX_PER_ANSWER = 500;

export const CommentsUserData = z.object({
  postId: z.string(),
  plan: Plan.required({ comments: true }),
});
export type CommentsUserData = z.infer<typeof CommentsUserData>;

/** Comments that earlier answers only counted. */
export const MoreCommentsUserData = CommentsUserData.extend({
  /** Ids of the present call. */
  ids: z.array(z.string()).min(1).max(PAGE_SIZE),
  /** Ids of the calls to come. */
  restIds: z.array(z.string()),
  /** Comments that are still wanted of this post. */
  wanted: z.int().min(1),
});
export type MoreCommentsUserData = z.infer<typeof MoreCommentsUserData>;

/** `GET /comments/{id}`: a post with its comments, the best first. */
export function commentsRequest(userData: CommentsUserData): NewRequest {
  const { per_post, depth } = userData.plan.comments;
  return {
    url: redditUrl(`/comments/${pathSegment(userData.postId)}`, {
      limit: String(Math.min(per_post, MAX_PER_ANSWER)),
      depth: String(depth),
      sort: "confidence",
    }),
    uniqueKey: `comments:${userData.postId}`,
    label: "COMMENTS",
    userData,
  };
}

/** `GET /api/morechildren`: up to 100 of `ids`, and with it the calls for the others; none when all is there. */
export function moreCommentsRequests(
  ids: readonly string[],
  { wanted, ...post }: CommentsUserData & { wanted: number },
): NewRequest[] {
  if (ids.length === 0 || wanted <= 0) return [];
  const size = Math.min(PAGE_SIZE, wanted);
  const userData: MoreCommentsUserData = {
    postId: post.postId,
    plan: post.plan,
    wanted,
    ids: ids.slice(0, size),
    restIds: ids.slice(size),
  };
  return [
    {
      url: redditUrl("/api/morechildren", {
        link_id: `t3_${post.postId}`,
        children: userData.ids.join(","),
        api_type: "json",
        sort: "confidence",
      }),
      uniqueKey: `morechildren:${post.postId}:${userData.ids[0]}`,
      label: "MORE_COMMENTS",
      userData,
      priority: CONTINUED,
    },
  ];
}
