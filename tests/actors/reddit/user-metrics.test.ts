import { describe, expect, it } from "vitest";
import {
  ageScore,
  karmaScore,
  newestSubmissions,
  submissionMetrics,
  usernameScore,
  userScores,
} from "../../../actors/reddit/user-metrics.ts";
import { posts } from "./posts.ts";

const day = (n: number, hour = 12) => new Date(Date.UTC(2026, 0, n, hour)).toISOString();

describe("submissionMetrics", () => {
  it("averages are over the newest thirty, whatever the order", () => {
    const old = posts({ created_utc: "2020-01-01T00:00:00.000Z", score: 1_000_000, num_comments: 1_000_000 });
    const fresh = posts(
      ...Array.from({ length: 30 }, (_, index) => ({
        score: index,
        num_comments: 1,
        created_utc: day(index + 1),
      })),
    );
    expect(submissionMetrics(newestSubmissions([...old, ...fresh]))).toMatchObject({
      avg_post_score: 14.5,
      avg_post_comments: 1,
      total_posts_analyzed: 30,
    });
  });

  it("averages have two decimals", () => {
    const newest = newestSubmissions(posts({ score: 1 }, { score: 1 }, { score: 0 }));
    expect(submissionMetrics(newest).avg_post_score).toBe(0.67);
  });

  it("what is most frequent, the newer of two equals", () => {
    const made = posts(
      { created_utc: day(1, 5), content_type: "text", subreddit_name: "a" },
      { created_utc: day(2, 6), content_type: "image", subreddit_name: "b" },
      { created_utc: day(8, 5), content_type: "image", subreddit_name: "b" },
      { created_utc: day(9, 6), content_type: "text", subreddit_name: "c" },
    );
    expect(submissionMetrics(newestSubmissions(made))).toMatchObject({
      preferred_content_type: "text",
      most_active_posting_hour: 6,
      most_active_posting_day: "Friday",
      primary_subreddits: ["b", "c", "a"],
    });
  });

  it("everything is null without posts", () => {
    const { total_posts_analyzed, ...rest } = submissionMetrics([]);
    expect(total_posts_analyzed).toBe(0);
    expect(new Set(Object.values(rest))).toEqual(new Set([null]));
  });
});

it("a post counts once, and none without date or numbers", () => {
  const [one, undated, unscored] = posts({}, { created_utc: undefined }, { score: null });
  expect(newestSubmissions([one!, undated!, unscored!, one!])).toMatchObject([{ reddit_id: "p0" }]);
});

describe("usernameScore", () => {
  it.each([
    ["abcdef", 10],
    ["abcdefgh", 9.6],
    ["abc123", 8],
    ["ab_cd", 7],
    ["ab-c1", 5.6],
    ["a1_".repeat(6) + "xy", 4.032],
  ])("of %s is %f", (name, score) => {
    expect(usernameScore(name)).toBeCloseTo(score, 10);
  });
});

describe("ageScore", () => {
  it.each([
    [0, 0],
    [15, 1.5],
    [29.999, 2.9999],
    [30, 8],
    [1825, 10],
    [3650, 9],
    [1825 * 5, 6],
    [1825 * 9, 6],
  ])("of %f days is %f", (days, score) => {
    expect(ageScore(days)).toBeCloseTo(score, 10);
  });
});

describe("karmaScore", () => {
  it.each([
    [-5, 0.5, 1],
    [0, Number.NaN, 1],
    [50, 0.5, 3.5],
    [51, 0.5, 3.53 * 1.05],
    [51, 0.9, 3.53 * 0.95],
    [100, 0.2, 5 * 1.05],
    [1000, 0.8, 8 * 1.05],
    [1000, 0.1, 8 * 0.95],
    [11_000, 0.5, 10],
    [11_000, 0, 9.5],
  ])("of %f karma with a comment share of %f is %f", (karma, share, score) => {
    expect(karmaScore(karma, share)).toBeCloseTo(score, 10);
  });
});

it("the overall score weighs name, age and karma", () => {
  const user = {
    username: "abcdef",
    created_utc: "2025-12-11T00:00:00.000Z",
    comment_karma: 500,
    total_karma: 1000,
  };
  expect(userScores(user, "2026-01-10T00:00:00.000Z")).toEqual({
    karma_per_day: 33.33,
    username_quality_score: 10,
    age_quality_score: 8,
    karma_quality_score: 8.4,
    overall_user_score: 0.15 * 10 + 0.35 * 8 + 0.5 * 8.4,
  });
});
