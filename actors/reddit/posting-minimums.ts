import { z } from "zod";
import { daysBetween, percentile } from "../../shared/parse/numbers.ts";

/** Fewer authors than this say nothing about who may post. */
const MIN_AUTHORS = 10;

/** What is asked of an author who posted in a subreddit. */
export const AuthorAccount = z.object({
  created_utc: z.string(),
  comment_karma: z.number(),
  link_karma: z.number(),
});
export type AuthorAccount = z.infer<typeof AuthorAccount>;

/**
 * What an account needs to post in a subreddit, as its authors show it: the 10th percentile of their age and
 * karma. Fields of the subreddit's item; null, with the reason, below 10 authors.
 *
 * @param authors distinct ones
 * @param observedAt when they were seen, ISO 8601: their ages are of that time
 */
export function postingMinimums(authors: readonly AuthorAccount[], observedAt: string) {
  const tenth = (value: (author: AuthorAccount) => number) =>
    authors.length < MIN_AUTHORS ? null : percentile(authors.map(value), 0.1);
  return {
    min_account_age_days: tenth((author) => daysBetween(author.created_utc, observedAt)),
    min_comment_karma: tenth((author) => author.comment_karma),
    min_post_karma: tenth((author) => author.link_karma),
    requirement_sample_size: authors.length,
    requirement_reason: authors.length < MIN_AUTHORS ? `fewer than ${MIN_AUTHORS} authors` : null,
  };
}
