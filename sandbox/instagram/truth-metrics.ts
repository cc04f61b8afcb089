import { tabItems, type Source } from "./truth-items.ts";
import type { Creator, InstagramWorld } from "./world.ts";

/** A crawl's choices that decide what its figures are over. */
export interface MetricsChoices {
  at: number;
  source: Source;
  /** Entries read of each list, repeats included. */
  posts: number;
  reels: number;
  /** When ages are taken, unix seconds; a crawl has its own clock. */
  observedAt: number;
  viralPlays: number;
  viralFactor: number;
}

/** What a figure needs of a medium, from whichever lists tell it. */
interface Known {
  isReel: boolean;
  takenAt: number | null;
  likes: number | null;
  comments: number | null;
  plays: number | null;
  reshares: number | null;
  rate: number | null;
  hashtags: readonly string[];
  mentions: readonly string[];
}

/** And over how many media it is; `null` over none. */
type Figure<Value> = readonly [value: Value | null, samples: number];

type TabItem = ReturnType<typeof tabItems>[number];

const DAY = 86_400;
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/** Of fewer reels before one nobody can tell what is usual. */
const MIN_TRAILING = 3;
const TOP = 10;

/**
 * The figures of an item of `instagram_creators`, over the first entries of both lists. A medium counts once, as a
 * reel when it is one; pinned media older than the others of their list do not count.
 */
export function metricsItem(world: InstagramWorld, creator: Creator, choices: MetricsChoices) {
  const media = knownMedia(world, creator, choices);
  const reels = media.filter(({ isReel }) => isReel);
  const posts = media.filter(({ isReel }) => !isReel);
  const times = media.flatMap(({ takenAt }) => takenAt ?? []).toSorted((a, b) => a - b);
  const ordered = [...posts, ...reels];
  const plays = mean(reels.map((reel) => reel.plays));
  const rates = { posts: mean(posts.map(({ rate }) => rate)), reels: mean(reels.map(({ rate }) => rate)) };
  const figures: Record<string, Figure<unknown>> = {
    avg_post_likes: mean(posts.map(({ likes }) => likes)),
    avg_post_comments: mean(posts.map(({ comments }) => comments)),
    avg_post_engagement: mean(posts.map(engagement)),
    posts_engagement_rate: rates.posts,
    avg_reel_likes: mean(reels.map(({ likes }) => likes)),
    avg_reel_comments: mean(reels.map(({ comments }) => comments)),
    avg_reel_engagement: mean(reels.map(engagement)),
    avg_reel_plays: plays,
    reels_engagement_rate: rates.reels,
    reach_rate: reach(plays, creator),
    viral_reels_count: viralReels(reels, choices),
    engagement_rate: mean(media.map(({ rate }) => rate)),
    ...rhythm(times, choices.observedAt),
    best_posting_day: bestOf(ordered, (date) => DAYS[date.getUTCDay()]!),
    best_posting_hour: bestOf(ordered, (date) => date.getUTCHours()),
    best_content_type: bestContent(rates),
    comment_like_ratio: ratio(media, (medium) => medium.comments),
    reshare_like_ratio: ratio(media, (medium) => medium.reshares),
    top_hashtags: [mostUsed(media.flatMap(({ hashtags }) => hashtags)), media.length],
    top_mentions: [mostUsed(media.flatMap(({ mentions }) => mentions)), media.length],
  };
  const part = (which: 0 | 1) =>
    Object.fromEntries(Object.entries(figures).map(([name, figure]) => [name, figure[which]]));
  return {
    ...part(0),
    metric_samples: part(1),
    metrics_sample_size: media.length,
    metrics_posts_sample_size: posts.length,
    metrics_reels_sample_size: reels.length,
    metrics_window: times.length === 0 ? null : `${iso(times[0]!)}/${iso(times.at(-1)!)}`,
  };
}

function knownMedia(
  world: InstagramWorld,
  creator: Creator,
  { at, source, ...limits }: MetricsChoices,
): Known[] {
  const [posts, reels] = (["feed", "reels"] as const).map((tab) => {
    const limit = tab === "feed" ? limits.posts : limits.reels;
    return withoutOldPins(limit === 0 ? [] : tabItems(world, creator, { tab, limit, at, source }));
  });
  const byId = new Map<string, Known>();
  for (const item of posts!) byId.set(item.media_id, toKnown(item));
  for (const item of reels!) {
    const [reel, seen] = [toKnown(item), byId.get(item.media_id)];
    byId.set(item.media_id, { ...(seen ? joined(seen, reel) : reel), isReel: true });
  }
  return [...byId.values()];
}

function withoutOldPins(items: TabItem[]): TabItem[] {
  const others = items.flatMap((item) => (item.is_pinned ? [] : (item.taken_at ?? []))).toSorted();
  return items.filter((item) => !item.is_pinned || !others[0] || (item.taken_at ?? "") >= others[0]);
}

function toKnown(item: TabItem): Known {
  const field = (name: string): unknown => (item as Record<string, unknown>)[name] ?? null;
  return {
    isReel: item.product_type === "clips",
    takenAt: item.taken_at === null ? null : Date.parse(item.taken_at) / 1000,
    likes: item.like_count,
    comments: item.comment_count,
    plays: (field("play_count") ?? field("ig_play_count")) as number | null,
    reshares: field("reshare_count") as number | null,
    rate: item.engagement_rate,
    hashtags: (field("hashtags") ?? []) as string[],
    mentions: (field("mentions") ?? []) as string[],
  };
}

/** What the reels do not tell, the feed may. */
function joined(post: Known, reel: Known): Known {
  return {
    isReel: true,
    takenAt: reel.takenAt ?? post.takenAt,
    likes: reel.likes ?? post.likes,
    comments: reel.comments ?? post.comments,
    plays: reel.plays,
    reshares: reel.reshares ?? post.reshares,
    rate: reel.rate ?? post.rate,
    hashtags: reel.hashtags.length > 0 ? reel.hashtags : post.hashtags,
    mentions: reel.mentions.length > 0 ? reel.mentions : post.mentions,
  };
}

function mean(values: readonly (number | null)[]): Figure<number> {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? NONE : [average(known), known.length];
}

function reach([plays, samples]: Figure<number>, { followers }: Creator): Figure<number> {
  return plays === null || followers === 0 ? NONE : [(plays / followers) * 100, samples];
}

function engagement({ likes, comments }: Known): number | null {
  return likes === null || comments === null ? null : likes + comments;
}

/** Sum by sum, over media with both known. */
function ratio(media: readonly Known[], part: (medium: Known) => number | null): Figure<number> {
  let [parts, likes, samples] = [0, 0, 0];
  for (const medium of media) {
    const value = part(medium);
    if (value === null || medium.likes === null) continue;
    parts += value;
    likes += medium.likes;
    samples++;
  }
  return likes === 0 ? NONE : [parts / likes, samples];
}

/** Enough plays, and enough times the median of all reels before it. */
function viralReels(reels: readonly Known[], { viralPlays, viralFactor }: MetricsChoices): Figure<number> {
  const dated = reels.filter(({ takenAt, plays }) => takenAt !== null && plays !== null);
  const plays = dated.toSorted((a, b) => a.takenAt! - b.takenAt!).map((reel) => reel.plays!);
  if (plays.length <= MIN_TRAILING) return NONE;
  const viral = plays.filter(
    (count, i) =>
      i >= MIN_TRAILING && count >= viralPlays && count >= viralFactor * median(plays.slice(0, i)),
  );
  return [viral.length, plays.length - MIN_TRAILING];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

/** @param times unix seconds, oldest first */
function rhythm(times: readonly number[], observedAt: number): Record<string, Figure<number>> {
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const intervals = times.slice(1).map((time, i) => time - times[i]!);
  const usual = intervals.length < 2 ? 0 : average(intervals);
  const deviation = Math.sqrt(average(intervals.map((interval) => (interval - usual) ** 2)));
  return {
    posting_frequency_per_week:
      last > first ? [times.length / ((last - first) / (7 * DAY)), times.length] : NONE,
    posting_consistency_score:
      usual === 0 ? NONE : [Math.max(0, Math.min(100, 100 - (100 * deviation) / usual)), times.length],
    days_since_last_post: times.length === 0 ? NONE : [(observedAt - last) / DAY, times.length],
  };
}

/** With the highest mean engagement; among equals the one seen first, posts before reels. */
function bestOf<Key>(media: readonly Known[], keyOf: (date: Date) => Key): Figure<Key> {
  const groups = new Map<Key, number[]>();
  for (const medium of media) {
    const value = engagement(medium);
    if (value === null || medium.takenAt === null) continue;
    const key = keyOf(new Date(medium.takenAt * 1000));
    groups.set(key, [...(groups.get(key) ?? []), value]);
  }
  let [best, highest, samples]: [Key | null, number, number] = [null, -1, 0];
  for (const [key, values] of groups) {
    samples += values.length;
    const value = average(values);
    if (value > highest) [best, highest] = [key, value];
  }
  return [best, samples];
}

function bestContent({ posts, reels }: { posts: Figure<number>; reels: Figure<number> }): Figure<string> {
  if (posts[0] === null || reels[0] === null) return NONE;
  const samples = posts[1] + reels[1];
  if (reels[0] > 1.5 * posts[0]) return ["reels", samples];
  return [posts[0] > 1.5 * reels[0] ? "posts" : "mixed", samples];
}

const NONE = [null, 0] as const;

function average(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

function mostUsed(words: readonly string[]): { name: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const ranked = [...counts].map(([name, count]) => ({ name, count }));
  ranked.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  return ranked.slice(0, TOP);
}

function iso(secs: number): string {
  return new Date(secs * 1000).toISOString();
}
