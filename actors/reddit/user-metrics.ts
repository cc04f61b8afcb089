import { z } from "zod";
import { daysBetween, roundTo, dayName } from "../../shared/parse/numbers.ts";

/** Submissions that a user's averages are taken over, the newest. */
const MAX_POSTS = 30;
const MAX_SUBREDDITS = 5;

/** What of a post tells how its author posts, small enough to travel with the requests for a history. */
export const Submission = z.object({
  reddit_id: z.string(),
  created_utc: z.string(),
  score: z.number(),
  num_comments: z.number(),
  content_type: z.string(),
  subreddit_name: z.string(),
});
export type Submission = z.infer<typeof Submission>;

/** Those of `posts` that averages are taken over: each once, the newest first. Without date or numbers none counts. */
export function newestSubmissions(posts: readonly object[]): Submission[] {
  const submissions = posts.flatMap((post) => Submission.safeParse(post).data ?? []);
  const distinct = new Map(submissions.map((submission) => [submission.reddit_id, submission]));
  return [...distinct.values()]
    .toSorted((a, b) => Date.parse(b.created_utc) - Date.parse(a.created_utc))
    .slice(0, MAX_POSTS);
}

/**
 * What a user's newest submissions say about how they post: fields of the user's item; null when there are none.
 * Of equally frequent values the one used last counts.
 *
 * @param newest the newest first
 */
export function submissionMetrics(newest: readonly Submission[]) {
  const dates = newest.map((post) => new Date(post.created_utc));
  const subreddits = newest.map((post) => post.subreddit_name);
  return {
    avg_post_score: mean(newest.map((post) => post.score)),
    avg_post_comments: mean(newest.map((post) => post.num_comments)),
    total_posts_analyzed: newest.length,
    preferred_content_type: byFrequency(newest.map((post) => post.content_type))[0] ?? null,
    most_active_posting_hour: byFrequency(dates.map((date) => date.getUTCHours()))[0] ?? null,
    most_active_posting_day: byFrequency(dates.map(dayName))[0] ?? null,
    primary_subreddits: newest.length > 0 ? byFrequency(subreddits).slice(0, MAX_SUBREDDITS) : null,
  };
}

/** What the scores are computed from. */
export interface Standing {
  username: string;
  created_utc: string;
  comment_karma: number;
  total_karma: number;
}

/**
 * Karma a day and the scores from 0 to 10: fields of the user's item.
 * @param observedAt when the numbers were seen, ISO 8601
 */
export function userScores(user: Standing, observedAt: string) {
  const { comment_karma: comments, total_karma: karma } = user;
  const ageDays = daysBetween(user.created_utc, observedAt);
  const username_quality_score = usernameScore(user.username);
  const age_quality_score = ageScore(ageDays);
  const karma_quality_score = karmaScore(karma, comments / karma);
  return {
    karma_per_day: roundTo(karma / Math.max(ageDays, 1), 2),
    username_quality_score,
    age_quality_score,
    karma_quality_score,
    overall_user_score: 0.15 * username_quality_score + 0.35 * age_quality_score + 0.5 * karma_quality_score,
  };
}

/** Of a user of whom one of those is none. */
export const NO_SCORES: Record<keyof ReturnType<typeof userScores>, null> = {
  karma_per_day: null,
  username_quality_score: null,
  age_quality_score: null,
  karma_quality_score: null,
  overall_user_score: null,
};

/** Short names of letters are the best; digits and other signs cost. */
export function usernameScore(username: string): number {
  const digits = /\d/.test(username) ? 0.8 : 1;
  const signs = /[^a-z0-9]/i.test(username) ? 0.7 : 1;
  return clamp((10 - 0.2 * Math.max(0, username.length - 6)) * digits * signs, 2, 10);
}

/** Rises until five years and falls slowly from there. */
export function ageScore(days: number): number {
  if (days < 30) return (days / 30) * 3;
  if (days <= 1825) return 8 + ((days - 30) / 1795) * 2;
  return Math.max(6, 10 - (days - 1825) / 1825);
}

/** @param commentShare of the karma, 0 to 1; counts from 50 karma on */
export function karmaScore(karma: number, commentShare: number): number {
  const isBalanced = commentShare >= 0.2 && commentShare <= 0.8;
  const balance = karma <= 50 ? 1 : isBalanced ? 1.05 : 0.95;
  return clamp(rawKarmaScore(karma) * balance, 1, 10);
}

function rawKarmaScore(karma: number): number {
  if (karma <= 0) return 1;
  if (karma < 100) return 2 + (karma / 100) * 3;
  if (karma < 1000) return 5 + ((karma - 100) / 900) * 3;
  return 8 + Math.min(2, ((karma - 1000) / 10_000) * 2);
}

function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return roundTo(values.reduce((sum, value) => sum + value, 0) / values.length, 2);
}

/** Distinct values, the most frequent first; the order of first sight among equals. */
function byFrequency<Value>(values: readonly Value[]): Value[] {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([value]) => value);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
