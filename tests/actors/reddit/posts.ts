import { parsePosts, type Post } from "../../../actors/reddit/parse-post.ts";
import { listing } from "./handling.ts";

const [ORDINARY] = parsePosts(
  listing("t3", [
    {
      id: "x",
      name: "t3_x",
      subreddit: "node",
      is_self: true,
      created_utc: 1767323045,
      score: 1,
      num_comments: 0,
    },
  ]),
).posts as [Post];

/** Ordinary posts, but for the given fields of each. */
export function posts(...fields: Partial<Post>[]): Post[] {
  return fields.map((given, index) => ({ ...ORDINARY, reddit_id: `p${index}`, ...given }));
}
