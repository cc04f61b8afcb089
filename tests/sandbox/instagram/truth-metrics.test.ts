import { expect, it } from "vitest";
import { type MetricsChoices, metricsItem } from "../../../sandbox/instagram/truth-metrics.ts";
import { tabItems } from "../../../sandbox/instagram/truth-items.ts";
import { creatorAt } from "../../../sandbox/instagram/world.ts";
import { DAY, START, instagramWorld } from "./worlds.ts";

const world = instagramWorld();
const CHOICES: MetricsChoices = {
  at: START,
  source: "api",
  posts: 24,
  reels: 36,
  observedAt: START + DAY,
  viralPlays: 50_000,
  viralFactor: 5,
};

function metrics(index: number, choices: Partial<MetricsChoices> = {}) {
  return metricsItem(world, creatorAt(world, index, START), { ...CHOICES, ...choices }) as Record<
    string,
    unknown
  > & {
    metric_samples: Record<string, number>;
  };
}

const items = (index: number, tab: "feed" | "reels", limit: number) =>
  tabItems(world, creatorAt(world, index, START), {
    tab,
    limit,
    at: START,
    source: "api",
  }) as unknown as Record<string, number | string | boolean | null>[];

it("leaves out what is pinned and old", () => {
  const feed = items(2, "feed", 24);
  const fresh = feed.filter((item) => !item["is_pinned"]).map((item) => String(item["taken_at"]));
  const newPins = feed.filter((item) => item["is_pinned"] && String(item["taken_at"]) > fresh.toSorted()[0]!);
  expect(feed.length - fresh.length).toBe(3);
  expect(newPins.length).toBeLessThan(3);
  expect(metrics(2, { reels: 0 })["metrics_sample_size"]).toBe(fresh.length + newPins.length);
});

it("counts what is in both lists once, as a reel", () => {
  // Without pins.
  const [feed, reels] = [items(1, "feed", 24), items(1, "reels", 36)];
  const clips = [...reels, ...feed.filter((item) => item["product_type"] === "clips")];
  const distinct = (list: typeof feed) => new Set(list.map((item) => item["media_id"])).size;
  expect(distinct([...feed, ...reels])).toBeLessThan(feed.length + reels.length);
  expect(metrics(1)).toMatchObject({
    metrics_sample_size: distinct([...feed, ...reels]),
    metrics_reels_sample_size: distinct(clips),
  });
});

it("averages known values, each over as many as it says", () => {
  const figures = metrics(1, { reels: 0 });
  const posts = items(1, "feed", 24).filter((item) => item["product_type"] !== "clips");
  const known = posts.map((item) => item["like_count"]).filter((likes) => likes !== null) as number[];
  expect(known.length).toBeLessThan(posts.length);
  expect(figures["avg_post_likes"]).toBeCloseTo(known.reduce((sum, likes) => sum + likes, 0) / known.length);
  expect(figures.metric_samples).toMatchObject({
    avg_post_likes: known.length,
    avg_post_comments: posts.length,
  });
  expect(figures["days_since_last_post"]).toBeGreaterThan(1);
});

it("calls a reel viral by its plays and by those of the reels before it", () => {
  const judged = metrics(0).metric_samples["viral_reels_count"]!;
  expect(judged).toBeGreaterThan(20);
  expect(metrics(0, { viralPlays: 0, viralFactor: 0 })["viral_reels_count"]).toBe(judged);
  expect(metrics(0, { viralPlays: 0, viralFactor: 1e9 })["viral_reels_count"]).toBe(0);
  expect(metrics(0, { viralPlays: 1e12, viralFactor: 0 })["viral_reels_count"]).toBe(0);
  const some = Number(metrics(0)["viral_reels_count"]);
  expect(some).toBeGreaterThan(0);
  expect(some).toBeLessThan(judged / 2);
});

it("says nothing where there is nothing", () => {
  expect(metrics(5)).toMatchObject({
    metrics_sample_size: 0,
    engagement_rate: null,
    posting_frequency_per_week: null,
    days_since_last_post: null,
    best_posting_day: null,
    viral_reels_count: null,
    top_hashtags: [],
    metrics_window: null,
  });
});

it("knows of the web neither reshares nor dates of reels that are not in the feed", () => {
  const figures = metrics(0, { source: "web" });
  expect(figures["reshare_like_ratio"]).toBeNull();
  expect(figures.metric_samples["days_since_last_post"]).toBeLessThan(Number(figures["metrics_sample_size"]));
});
