import { z } from "zod";
import type { PostItem, ReelItem } from "./items.ts";

const Known = z.number().nullable();

/** What a creator's figures need of a medium; small, because it travels with the creator's requests. */
export const SampleEntry = z.object({
  id: z.string(),
  isReel: z.boolean(),
  isPinned: z.boolean(),
  takenAt: z.string().nullable(),
  likes: Known,
  comments: Known,
  plays: Known,
  reshares: Known,
  /** Percent of the followers. */
  rate: Known,
  hashtags: z.array(z.string()),
  mentions: z.array(z.string()),
});
export type SampleEntry = z.infer<typeof SampleEntry>;

/** Media of each list, in its order. */
export const Sample = z.object({ posts: z.array(SampleEntry), reels: z.array(SampleEntry) });
export type Sample = z.infer<typeof Sample>;

/** Of each list, the first so many: figures of a creator are about the present. */
const MAX_ENTRIES = 200;

/** `entries` with those of a further page; a medium that is there already is not added. */
export function addToSample(
  entries: readonly SampleEntry[],
  items: readonly (PostItem | ReelItem)[],
): SampleEntry[] {
  const seen = new Set(entries.map(({ id }) => id));
  const fresh = items.filter(({ media_id }) => !seen.has(media_id) && seen.add(media_id));
  return [...entries, ...fresh.map(toEntry)].slice(0, MAX_ENTRIES);
}

function toEntry(item: PostItem | ReelItem): SampleEntry {
  const plays = "play_count" in item ? (item.play_count ?? item.ig_play_count) : null;
  return {
    id: item.media_id,
    isReel: item.product_type === "clips" || "play_count" in item,
    isPinned: item.is_pinned,
    takenAt: item.taken_at ?? null,
    likes: item.like_count ?? null,
    comments: item.comment_count ?? null,
    plays: plays ?? null,
    reshares: item.reshare_count ?? null,
    rate: item.engagement_rate,
    hashtags: item.hashtags ?? [],
    mentions: item.mentions ?? [],
  };
}

/**
 * A list without the pinned entries that are older than its others: those are what a creator is proud of, not what
 * it does at present. Where all are pinned, nothing is older.
 */
export function withoutOldPins(entries: readonly SampleEntry[]): SampleEntry[] {
  const dates = entries.flatMap(({ isPinned, takenAt }) => (isPinned || takenAt === null ? [] : [takenAt]));
  const oldest = dates.toSorted()[0];
  return entries.filter(
    ({ isPinned, takenAt }) => !isPinned || oldest === undefined || (takenAt ?? "") >= oldest,
  );
}

/** Media of both lists, each once: what only one of them tells, as the plays, is kept. */
export function mergeLists({ posts, reels }: Sample): SampleEntry[] {
  const merged = new Map(posts.map((entry) => [entry.id, entry]));
  for (const reel of reels) {
    const post = merged.get(reel.id);
    merged.set(reel.id, post ? mergeEntries(post, reel) : reel);
  }
  return [...merged.values()];
}

function mergeEntries(post: SampleEntry, reel: SampleEntry): SampleEntry {
  return {
    ...reel,
    takenAt: reel.takenAt ?? post.takenAt,
    reshares: reel.reshares ?? post.reshares,
    likes: reel.likes ?? post.likes,
    comments: reel.comments ?? post.comments,
    rate: reel.rate ?? post.rate,
    hashtags: reel.hashtags.length > 0 ? reel.hashtags : post.hashtags,
    mentions: reel.mentions.length > 0 ? reel.mentions : post.mentions,
  };
}
