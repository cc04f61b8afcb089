import { describe, expect, it } from "vitest";
import { addToSample, EMPTY_SAMPLE, subredditMetrics } from "../../../actors/reddit/metrics.ts";
import { postingMinimums } from "../../../actors/reddit/posting-minimums.ts";
import { posts } from "./posts.ts";

const NOW = "2026-01-10T00:00:00.000Z";
const measure = (...given: Parameters<typeof posts>) =>
  subredditMetrics(addToSample(EMPTY_SAMPLE, posts(...given)), NOW);

const of = (created_utc: string, score: number, content_type: "image" | "text") => ({
  created_utc,
  score,
  content_type,
});
const author = (n: number) => ({
  created_utc: new Date(Date.parse(NOW) - n * 86_400_000).toISOString(),
  comment_karma: n * 10,
  link_karma: n * 100,
});
const authors = (count: number) => Array.from({ length: count }, (_, index) => author(index + 1));

describe("subredditMetrics", () => {
  it("averages, and the score of their product", () => {
    expect(measure({ score: 100, num_comments: 10 }, { score: 60, num_comments: 30 })).toMatchObject({
      avg_upvotes_per_post: 80,
      avg_comments_per_post: 20,
      engagement: 0.25,
      subreddit_score: Math.sqrt(0.25 * 80 * 1000),
      score_version: 1,
      metrics_sample_size: 2,
      metrics_at: NOW,
      metrics_reason: null,
    });
  });

  it("engagement is null where nobody voted", () => {
    expect(measure({ score: 0, num_comments: 10 })).toMatchObject({
      avg_upvotes_per_post: 0,
      avg_comments_per_post: 10,
      engagement: null,
      subreddit_score: null,
      metrics_sample_size: 1,
    });
  });

  it("everything is null without posts, and the reason says why", () => {
    const { metrics_at, metrics_window, score_version, metrics_reason, metrics_sample_size, ...numbers } =
      measure();
    expect(new Set(Object.values(numbers))).toEqual(new Set([null]));
    expect(metrics_reason).toBe("no posts in the last week");
    expect([metrics_at, metrics_window, score_version, metrics_sample_size]).toEqual([NOW, "week", 1, 0]);
  });

  it("stickied posts and unknown scores do not count", () => {
    expect(
      measure({ score: 1 }, { score: 900, stickied: true }, { score: undefined }, { num_comments: null })
        .metrics_sample_size,
    ).toBe(1);
  });

  it("the best day, hour and type have the highest average score", () => {
    const thursday = "2026-01-01T05:00:00.000Z";
    const friday = "2026-01-02T07:00:00.000Z";
    expect(
      measure(of(thursday, 10, "text"), of(thursday, 20, "text"), of(friday, 16, "image")),
    ).toMatchObject({
      best_posting_day: "Friday",
      best_posting_hour: 7,
      top_content_type: "image",
      image_post_avg_score: 16,
      text_post_avg_score: 15,
      video_post_avg_score: null,
      content_type_shares: { image: 0.3333, text: 0.6667 },
    });
  });

  it("partial sums of pages are those of the whole", () => {
    const all = posts(
      { score: 3 },
      { score: 5, content_type: "video" },
      { score: 9, created_utc: "2026-01-03T00:00:00Z" },
    );
    const inParts = all.reduce((sample, post) => addToSample(sample, [post]), EMPTY_SAMPLE);
    expect(inParts).toEqual(addToSample(EMPTY_SAMPLE, all));
    expect(EMPTY_SAMPLE.posts).toEqual([0, 0]);
  });
});

describe("postingMinimums", () => {
  it("are the 10th percentile of age and karma", () => {
    expect(postingMinimums(authors(11).toReversed(), NOW)).toEqual({
      min_account_age_days: 2,
      min_comment_karma: 20,
      min_post_karma: 200,
      requirement_sample_size: 11,
      requirement_reason: null,
    });
  });

  it("lie between two authors in proportion", () => {
    expect(postingMinimums(authors(10), NOW).min_comment_karma).toBeCloseTo(19);
  });

  it("are null below ten authors, with the reason", () => {
    expect(postingMinimums(authors(9), NOW)).toEqual({
      min_account_age_days: null,
      min_comment_karma: null,
      min_post_karma: null,
      requirement_sample_size: 9,
      requirement_reason: "fewer than 10 authors",
    });
  });
});
