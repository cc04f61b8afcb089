import { dayName, daysBetween, percentile } from "../../shared/parse/numbers.ts";
import type { Count, CreatorMetrics, JointMetrics, PostMetrics, ReelMetrics } from "./items.ts";
import { rateOf } from "./media.ts";
import type { Plan } from "./plan.ts";
import { mergeLists, type Sample, type SampleEntry, withoutOldPins } from "./sample.ts";

/** Reels before one that its plays are compared with, at least. */
const MIN_TRAILING = 3;
/** Lists of hashtags and mentions are cut here. */
const TOP = 10;
/** How many times the other's rate makes one kind of content the best. */
const BEST_FACTOR = 1.5;

export interface MetricsOptions {
  followers: number | null;
  /** When the last of the sample was seen, ISO 8601. */
  observedAt: string;
  viral: Plan["viral"];
  /** Lists that were read to where they were wanted. */
  answered: { posts: boolean; reels: boolean };
}

/** A figure and the number of media that it is over. */
type Figure<Value> = readonly [value: Value | null, samples: number];
type Figures<Metrics> = { [Name in keyof Metrics]: Figure<NonNullable<Metrics[Name]>> };

/** What a creator's posts and reels say about it; what was not read says nothing. */
export function creatorMetrics(sample: Sample, options: MetricsOptions): CreatorMetrics {
  const { observedAt, answered } = options;
  const media = mergeLists({ posts: withoutOldPins(sample.posts), reels: withoutOldPins(sample.reels) });
  const posts = media.filter(({ isReel }) => !isReel);
  const reels = media.filter(({ isReel }) => isReel);
  const figures = {
    ...(answered.posts && postFigures(posts)),
    ...(answered.reels && reelFigures(reels, options)),
    ...(answered.posts && answered.reels && jointFigures(posts, reels, observedAt)),
  };
  const dates = datesOf(media);
  const pick = (part: 0 | 1) =>
    Object.fromEntries(Object.entries(figures).map(([name, figure]) => [name, figure[part]]));
  return {
    // Each figure is of the type that its group declares.
    ...(pick(0) as Partial<PostMetrics & ReelMetrics & JointMetrics>),
    metrics_at: observedAt,
    metrics_sample_size: media.length,
    metrics_posts_sample_size: posts.length,
    metrics_reels_sample_size: reels.length,
    metrics_window: dates.length > 0 ? `${dates[0]}/${dates.at(-1)}` : null,
    metric_samples: pick(1) as Record<string, number>,
  };
}

function postFigures(posts: readonly SampleEntry[]): Figures<PostMetrics> {
  return {
    avg_post_likes: mean(posts.map(({ likes }) => likes)),
    avg_post_comments: mean(posts.map(({ comments }) => comments)),
    avg_post_engagement: mean(posts.map(engagementOf)),
    posts_engagement_rate: mean(posts.map(({ rate }) => rate)),
  };
}

function reelFigures(
  reels: readonly SampleEntry[],
  { followers, viral }: Pick<MetricsOptions, "followers" | "viral">,
): Figures<ReelMetrics> {
  const [plays, samples] = mean(reels.map((reel) => reel.plays));
  const reach = rateOf(plays, followers);
  return {
    avg_reel_likes: mean(reels.map(({ likes }) => likes)),
    avg_reel_comments: mean(reels.map(({ comments }) => comments)),
    avg_reel_engagement: mean(reels.map(engagementOf)),
    avg_reel_plays: [plays, samples],
    reels_engagement_rate: mean(reels.map(({ rate }) => rate)),
    reach_rate: [reach, reach === null ? 0 : samples],
    viral_reels_count: countViral(reels, viral),
  };
}

function jointFigures(
  posts: readonly SampleEntry[],
  reels: readonly SampleEntry[],
  observedAt: string,
): Figures<JointMetrics> {
  const media = [...posts, ...reels];
  const dates = datesOf(media);
  const newest = dates.at(-1);
  return {
    engagement_rate: mean(media.map(({ rate }) => rate)),
    posting_frequency_per_week: frequency(dates),
    posting_consistency_score: consistency(dates),
    days_since_last_post: newest === undefined ? [null, 0] : [daysBetween(newest, observedAt), dates.length],
    best_posting_day: best(media, (date) => dayName(date)),
    best_posting_hour: best(media, (date) => date.getUTCHours()),
    best_content_type: bestContent(posts, reels),
    comment_like_ratio: ratio(media.map(({ comments, likes }) => [comments, likes])),
    reshare_like_ratio: ratio(media.map(({ reshares, likes }) => [reshares, likes])),
    top_hashtags: top(media.map(({ hashtags }) => hashtags)),
    top_mentions: top(media.map(({ mentions }) => mentions)),
  };
}

function engagementOf({ likes, comments }: SampleEntry): number | null {
  return likes === null || comments === null ? null : likes + comments;
}

/** Over the known values: zeros count, unknowns do not. */
function mean(values: readonly (number | null)[]): Figure<number> {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? [null, 0] : [sum(known) / known.length, known.length];
}

/** Sum by sum, over pairs with both known; null without a like. */
function ratio(pairs: readonly (readonly [number | null, number | null])[]): Figure<number> {
  const known = pairs.filter((pair): pair is [number, number] => !pair.includes(null));
  const likes = sum(known.map(([, like]) => like));
  return likes === 0 ? [null, 0] : [sum(known.map(([part]) => part)) / likes, known.length];
}

/**
 * Reels with enough plays and enough times the median of those before them. Of a reel with fewer than three before
 * it nobody can tell.
 */
function countViral(reels: readonly SampleEntry[], { plays: min, factor }: Plan["viral"]): Figure<number> {
  const plays = reels
    .filter(({ takenAt, plays: known }) => takenAt !== null && known !== null)
    .sort((a, b) => a.takenAt!.localeCompare(b.takenAt!))
    .map((reel) => reel.plays!);
  const judged = plays.slice(MIN_TRAILING);
  const viral = judged.filter(
    (count, index) => count >= min && count >= factor * percentile(plays.slice(0, index + MIN_TRAILING), 0.5),
  );
  return judged.length === 0 ? [null, 0] : [viral.length, judged.length];
}

/** Media a week between the first and the last. */
function frequency(dates: readonly string[]): Figure<number> {
  const weeks = dates.length < 2 ? 0 : daysBetween(dates[0]!, dates.at(-1)!) / 7;
  return weeks > 0 ? [dates.length / weeks, dates.length] : [null, 0];
}

/** 100 − 100 · σ / mean of the intervals between media, within 0 and 100; needs two intervals. */
function consistency(dates: readonly string[]): Figure<number> {
  const intervals = dates.slice(1).map((date, index) => daysBetween(dates[index]!, date));
  const average = sum(intervals) / intervals.length;
  if (intervals.length < 2 || average === 0) return [null, 0];
  const variance = sum(intervals.map((interval) => (interval - average) ** 2)) / intervals.length;
  return [Math.min(100, Math.max(0, 100 - (100 * Math.sqrt(variance)) / average)), dates.length];
}

/** Of days or hours, the one with the highest mean engagement; among equals the one that was seen first. */
function best<Key extends string | number>(
  media: readonly SampleEntry[],
  keyOf: (date: Date) => Key,
): Figure<Key> {
  const groups = new Map<Key, number[]>();
  for (const entry of media) {
    const engagement = engagementOf(entry);
    if (engagement === null || entry.takenAt === null) continue;
    const key = keyOf(new Date(entry.takenAt));
    groups.set(key, [...(groups.get(key) ?? []), engagement]);
  }
  const ranked = [...groups].sort(([, a], [, b]) => sum(b) / b.length - sum(a) / a.length);
  return ranked[0] ? [ranked[0][0], [...groups.values()].flat().length] : [null, 0];
}

function bestContent(
  posts: readonly SampleEntry[],
  reels: readonly SampleEntry[],
): Figure<"reels" | "posts" | "mixed"> {
  const [ofPosts, postSamples] = mean(posts.map(({ rate }) => rate));
  const [ofReels, reelSamples] = mean(reels.map(({ rate }) => rate));
  if (ofPosts === null || ofReels === null) return [null, 0];
  const samples = postSamples + reelSamples;
  if (ofReels > BEST_FACTOR * ofPosts) return ["reels", samples];
  return [ofPosts > BEST_FACTOR * ofReels ? "posts" : "mixed", samples];
}

/** Words by the number of media that have them, the most used first, in order of the alphabet among equals. */
function top(lists: readonly (readonly string[])[]): Figure<Count[]> {
  const counts = new Map<string, number>();
  for (const name of lists.flat()) counts.set(name, (counts.get(name) ?? 0) + 1);
  const ranked = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return [ranked.slice(0, TOP).map(([name, count]) => ({ name, count })), lists.length];
}

/** Oldest first. */
function datesOf(media: readonly SampleEntry[]): string[] {
  return media.flatMap(({ takenAt }) => takenAt ?? []).sort();
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
