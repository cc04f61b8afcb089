import { z } from "zod";
import { dayName, roundTo } from "../../shared/parse/numbers.ts";
import type { Post } from "./parse-post.ts";

/** Count and sum of scores. */
const Tally = z.tuple([z.number(), z.number()]);
type Tally = z.infer<typeof Tally>;

/** Partial sums over the posts of a week's top listing, small enough to travel with its requests. */
export const WeekSample = z.object({
  /** All posts: count and sum of scores. */
  posts: Tally,
  comments: z.number(),
  /** By name of the day, by hour (UTC), by `content_type`. */
  byDay: z.record(z.string(), Tally),
  byHour: z.record(z.string(), Tally),
  byType: z.record(z.string(), Tally),
});
export type WeekSample = z.infer<typeof WeekSample>;

export const EMPTY_SAMPLE: WeekSample = { posts: [0, 0], comments: 0, byDay: {}, byHour: {}, byType: {} };

export const CONTENT_TYPES = ["image", "video", "text", "link", "gallery"] as const;

/** `sample` with more posts in it; stickied ones, and those without score or date, do not count. */
export function addToSample(sample: WeekSample, posts: readonly Post[]): WeekSample {
  const sum = structuredClone(sample);
  for (const { stickied, score, num_comments, content_type, created_utc } of posts) {
    if (stickied || score == null || num_comments == null || created_utc == null) continue;
    const created = new Date(created_utc);
    add(sum.posts, score);
    sum.comments += num_comments;
    add((sum.byDay[dayName(created)] ??= [0, 0]), score);
    add((sum.byHour[created.getUTCHours()] ??= [0, 0]), score);
    add((sum.byType[content_type] ??= [0, 0]), score);
  }
  return sum;
}

/**
 * What a week's top posts say about a subreddit: fields of its item. Everything is null, with the reason, when
 * there were none. `subreddit_score` is √(engagement · average score · 1000).
 *
 * @param observedAt when the last of the sample was seen, ISO 8601
 */
export function subredditMetrics({ posts, comments, ...by }: WeekSample, observedAt: string) {
  const [n, score] = posts;
  const upvotes = n > 0 ? score / n : null;
  const engagement = upvotes ? comments / score : null;
  const averages = CONTENT_TYPES.map((type) => [`${type}_post_avg_score`, average(by.byType[type])] as const);
  const shares = Object.entries(by.byType).map(([type, [count]]) => [type, roundTo(count / n, 4)] as const);
  const bestHour = best(by.byHour);
  return {
    avg_upvotes_per_post: upvotes,
    avg_comments_per_post: n > 0 ? comments / n : null,
    engagement,
    subreddit_score: engagement === null ? null : Math.sqrt(engagement * upvotes! * 1000),
    score_version: 1,
    best_posting_day: best(by.byDay),
    best_posting_hour: bestHour === null ? null : Number(bestHour),
    top_content_type: best(by.byType),
    ...(Object.fromEntries(averages) as Record<
      `${(typeof CONTENT_TYPES)[number]}_post_avg_score`,
      number | null
    >),
    content_type_shares: n > 0 ? Object.fromEntries(shares) : null,
    metrics_at: observedAt,
    metrics_sample_size: n,
    metrics_window: "week",
    metrics_reason: n > 0 ? null : "no posts in the last week",
  };
}

function add(tally: Tally, score: number): void {
  tally[0] += 1;
  tally[1] += score;
}

function average(tally: Tally | undefined): number | null {
  return tally ? tally[1] / tally[0] : null;
}

/** The name with the highest average; the one that came first among equals; `null` when there is none. */
function best(tallies: Record<string, Tally>): string | null {
  const [first] = Object.entries(tallies).sort(([, a], [, b]) => b[1] / b[0] - a[1] / a[0]);
  return first?.[0] ?? null;
}
