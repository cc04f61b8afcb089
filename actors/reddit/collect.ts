import type { HandlerContext } from "../../shared/crawl/router.ts";
import { toDiscoveries } from "./discoveries.ts";
import type { Post } from "./parse-post.ts";
import { isWanted, type Plan } from "./plan.ts";
import { commentsRequest } from "./requests-comments.ts";
import { userRequest } from "./requests-users.ts";

type Effects = Pick<HandlerContext<unknown>, "request" | "pushData" | "addRequests">;

/**
 * Keeps a page's posts, and follows what the plan says about their subreddits, comments and authors.
 * @param seenIn the place that was read: `r/node`, `u/spez`, `search/…`
 * @returns those that the plan keeps
 */
export async function collectPosts(
  { pushData, addRequests }: Effects,
  { posts, origins }: { posts: readonly Post[]; origins: readonly string[] },
  { plan, seenIn }: { plan: Plan; seenIn: string },
): Promise<Post[]> {
  const wanted = posts.filter((post) => isWanted(plan, post));
  await pushData(wanted, "reddit_posts");
  if (plan.discover) {
    const subreddits = [...posts.map((post) => post.subreddit_name), ...origins];
    await pushData(toDiscoveries(subreddits, seenIn), "reddit_discoveries");
  }
  if (plan.comments) {
    const withComments = { ...plan, comments: plan.comments };
    const commented = wanted.filter((post) => post.num_comments !== 0);
    await addRequests(
      commented.map(({ reddit_id: postId }) => commentsRequest({ postId, plan: withComments })),
    );
  }
  if (plan.authors === "full") {
    const usernames = wanted.flatMap(({ author_username: name }) => name ?? []);
    await addRequests(usernames.map((username) => userRequest({ username, plan, isPoster: true })));
  }
  return wanted;
}

export function fullnameOf({ reddit_id }: Post): string {
  return `t3_${reddit_id}`;
}
