import { describe, expect, it } from "vitest";
import { creatorMetrics, type MetricsOptions } from "../../../actors/instagram/metrics.ts";
import type { SampleEntry } from "../../../actors/instagram/sample.ts";

const entry = (id: string, fields: Partial<SampleEntry> = {}): SampleEntry => ({
  id,
  isReel: false,
  isPinned: false,
  takenAt: null,
  likes: null,
  comments: null,
  plays: null,
  reshares: null,
  rate: null,
  hashtags: [],
  mentions: [],
  ...fields,
});
const reel = (id: string, fields: Partial<SampleEntry> = {}) => entry(id, { isReel: true, ...fields });
const day = (number: number, hour = 12) =>
  `2026-03-${String(number).padStart(2, "0")}T${String(hour).padStart(2, "0")}:00:00.000Z`;
const metrics = (
  { posts = [], reels = [] }: { posts?: SampleEntry[]; reels?: SampleEntry[] },
  options: Partial<MetricsOptions> = {},
) =>
  creatorMetrics(
    { posts, reels },
    {
      followers: 1000,
      observedAt: day(31),
      viral: { plays: 50_000, factor: 5 },
      answered: { posts: true, reels: true },
      ...options,
    },
  );

describe("averages", () => {
  const posts = [
    entry("1", { likes: 10, comments: 0, rate: 1 }),
    entry("2", { likes: null, comments: 4 }),
    entry("3", { likes: 0, comments: 2, rate: 0.2 }),
  ];

  it("are over known values: zeros count, unknowns do not", () => {
    const result = metrics({ posts });
    expect(result).toMatchObject({
      avg_post_likes: 5,
      avg_post_comments: 2,
      avg_post_engagement: 6,
      posts_engagement_rate: 0.6,
      metrics_sample_size: 3,
    });
    expect(result.metric_samples).toMatchObject({
      avg_post_likes: 2,
      avg_post_comments: 3,
      avg_post_engagement: 2,
      posts_engagement_rate: 2,
    });
  });

  it("are null of nothing", () => {
    expect(metrics({})).toMatchObject({
      avg_post_likes: null,
      avg_reel_plays: null,
      engagement_rate: null,
      posting_frequency_per_week: null,
      days_since_last_post: null,
      metrics_window: null,
      metrics_sample_size: 0,
    });
  });

  it("of plays are reach in percent of the followers", () => {
    const reels = [reel("1", { plays: 300 }), reel("2", { plays: 500 }), reel("3")];
    const { avg_reel_plays, reach_rate, metric_samples } = metrics({ reels });
    expect([avg_reel_plays, reach_rate, metric_samples["reach_rate"]]).toEqual([400, 40, 2]);
    expect(metrics({ reels }, { followers: null }).reach_rate).toBeNull();
  });
});

describe("lists", () => {
  it("count a clip in both once, as a reel, with what each tells", () => {
    const posts = [
      reel("clip", { likes: 5, comments: 1, reshares: 2, rate: 0.6, takenAt: day(1) }),
      entry("post", { likes: 1, comments: 1, rate: 0.2, takenAt: day(2) }),
    ];
    const reels = [reel("clip", { likes: 7, comments: 3, plays: 100, rate: 1 })];
    expect(metrics({ posts, reels })).toMatchObject({
      metrics_sample_size: 2,
      metrics_posts_sample_size: 1,
      metrics_reels_sample_size: 1,
      avg_post_likes: 1,
      avg_reel_likes: 7,
      avg_reel_plays: 100,
      engagement_rate: 0.6,
      // Of the clip, 2 of 7; nothing is known of the post's.
      reshare_like_ratio: 2 / 7,
      comment_like_ratio: 4 / 8,
      metrics_window: `${day(1)}/${day(2)}`,
    });
  });

  it("that were not read leave no figures", () => {
    const result = metrics(
      { posts: [entry("1", { likes: 1 })] },
      { answered: { posts: true, reels: false } },
    );
    expect(result).toHaveProperty("avg_post_likes", 1);
    expect(result).not.toHaveProperty("avg_reel_likes");
    expect(result).not.toHaveProperty("engagement_rate");
    expect(result.metric_samples).not.toHaveProperty("viral_reels_count");
  });
});

describe("pinned media", () => {
  const recent = [entry("2", { takenAt: day(20), likes: 10 }), entry("3", { takenAt: day(6), likes: 20 })];

  it("older than the rest mislead, and are left out", () => {
    const pinned = entry("1", { isPinned: true, takenAt: "2025-01-01T00:00:00.000Z", likes: 9000 });
    const { avg_post_likes, posting_frequency_per_week, metrics_window } = metrics({
      posts: [pinned, ...recent],
    });
    expect([avg_post_likes, posting_frequency_per_week]).toEqual([15, 1]);
    expect(metrics_window).toBe(`${day(6)}/${day(20)}`);
  });

  it("within the window count, and a new one is the newest", () => {
    const pinned = entry("1", { isPinned: true, takenAt: day(30), likes: 30 });
    const result = metrics({ posts: [pinned, ...recent] });
    expect([result.avg_post_likes, result.days_since_last_post]).toEqual([20, 1]);
  });

  it("older than the rest do not hide what has no date", () => {
    const undated = entry("4", { likes: 30 });
    expect(metrics({ posts: [...recent, undated] }).avg_post_likes).toBe(20);
  });

  it("are all there is of some", () => {
    const pinned = entry("1", { isPinned: true, takenAt: day(30), likes: 30 });
    expect(metrics({ posts: [pinned] }).metrics_sample_size).toBe(1);
  });
});

describe("the rhythm", () => {
  const dated = (...dates: string[]) => dates.map((takenAt, i) => entry(String(i), { takenAt }));

  it("is media by weeks between the first and the last", () => {
    expect(metrics({ posts: dated(day(1), day(15), day(8)) }).posting_frequency_per_week).toBe(1.5);
    expect(metrics({ posts: dated(day(1)) }).posting_frequency_per_week).toBeNull();
    expect(metrics({ posts: dated(day(1), day(1)) }).posting_frequency_per_week).toBeNull();
  });

  it("of a clockwork has the consistency 100, of a wild one 0", () => {
    expect(metrics({ posts: dated(day(1), day(4), day(7)) }).posting_consistency_score).toBe(100);
    // Intervals of 2 and 4 days: mean 3, σ 1.
    expect(metrics({ posts: dated(day(1), day(3), day(7)) }).posting_consistency_score).toBeCloseTo(200 / 3);
    const wild = dated(...Array.from({ length: 9 }, () => day(1)), day(30));
    expect(metrics({ posts: wild }).posting_consistency_score).toBe(0);
    expect(metrics({ posts: dated(day(1), day(3)) }).posting_consistency_score).toBeNull();
  });

  it("has its best day and hour where the mean engagement is highest, in UTC", () => {
    // 2 March 2026 is a Monday.
    const posts = [
      entry("1", { takenAt: day(2, 9), likes: 10, comments: 0 }),
      entry("2", { takenAt: day(9, 9), likes: 0, comments: 0 }),
      entry("3", { takenAt: day(3, 23), likes: 6, comments: 1 }),
      entry("4", { takenAt: day(4, 8), likes: 900, comments: null }),
    ];
    const { best_posting_day, best_posting_hour, metric_samples } = metrics({ posts });
    expect([best_posting_day, best_posting_hour]).toEqual(["Tuesday", 23]);
    expect(metric_samples["best_posting_day"]).toBe(3);
  });
});

describe("viral reels", () => {
  const reels = (...plays: number[]) =>
    plays.map((count, i) => reel(String(i), { takenAt: day(i + 1), plays: count }));
  const viral = (...plays: number[]) => {
    const { viral_reels_count, metric_samples } = metrics({ reels: reels(...plays) });
    return [viral_reels_count, metric_samples["viral_reels_count"]];
  };

  it("have 50,000 plays and five times the median of those before", () => {
    expect(viral(10_000, 10_000, 10_000, 50_000)).toEqual([1, 1]);
    expect(viral(10_000, 10_000, 10_000, 49_999)).toEqual([0, 1]);
    expect(viral(10_001, 10_001, 10_001, 50_000)).toEqual([0, 1]);
  });

  it("are measured against the past alone", () => {
    expect(viral(100, 100, 100, 50_000, 400_000, 400_000)).toEqual([3, 3]);
  });

  it("cannot be told of the first three", () => {
    expect(viral(900_000, 1, 1)).toEqual([null, 0]);
  });

  it("follow the settings", () => {
    const options = { viral: { plays: 10, factor: 2 } };
    expect(metrics({ reels: reels(5, 5, 5, 10) }, options).viral_reels_count).toBe(1);
  });
});

it.each([
  [1, 1.51, "reels"],
  [1.51, 1, "posts"],
  [1, 1.5, "mixed"],
  [1, null, null],
] as const)("with rates of %d for posts and %d for reels the best content is %s", (posts, reels, best) => {
  const { best_content_type } = metrics({
    posts: [entry("1", { rate: posts })],
    reels: [reel("2", { rate: reels })],
  });
  expect(best_content_type).toBe(best);
});

it("names the ten most used hashtags and mentions with their number of media", () => {
  const posts = [
    entry("1", { hashtags: ["b", "a"], mentions: ["x"] }),
    entry("2", { hashtags: ["b", ..."cdefghijklm"] }),
  ];
  const { top_hashtags, top_mentions } = metrics({ posts });
  expect(top_hashtags).toHaveLength(10);
  expect(top_hashtags?.slice(0, 2)).toEqual([
    { name: "b", count: 2 },
    { name: "a", count: 1 },
  ]);
  expect(top_mentions).toEqual([{ name: "x", count: 1 }]);
});
