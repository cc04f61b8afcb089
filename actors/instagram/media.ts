import { fromTold } from "../../shared/parse/fields.ts";
import { foldWord } from "../../shared/parse/text.ts";
import type { Audio, MediaFields, Medium, Person, Place, PostItem, ReelItem } from "./items.ts";

/**
 * A post or reel as a source shows it, before it is known where it stands in its list and whose followers it is
 * measured by. What a source does not tell is `undefined`.
 */
export interface SeenMedia {
  media_id: string;
  shortcode: string | null | undefined;
  /** `undefined`: that of whoever's list it is in. */
  ig_user_id: string | undefined;
  product_type: string | null | undefined;
  media_type: 1 | 2 | 8 | null | undefined;
  taken_at: string | undefined;
  caption_text: string | null | undefined;
  likes: Likes;
  comment_count: number | null | undefined;
  comments_disabled: boolean | null | undefined;
  thumbnail_url: string | null | undefined;
  is_paid_partnership: boolean | null | undefined;
  is_pinned: boolean | undefined;
  carousel_media_count: number | null | undefined;
  original_width: number | null | undefined;
  original_height: number | null | undefined;
  accessibility_caption: string | null | undefined;
  play_count: number | null | undefined;
  ig_play_count: number | null | undefined;
  view_count: number | null | undefined;
  video_duration: number | null | undefined;
  has_audio: boolean | null | undefined;
  video_url: string | null | undefined;
  reshare_count: number | null | undefined;
  media_repost_count: number | null | undefined;
  media: Medium[] | undefined;
  coauthors: Person[] | undefined;
  tagged_users: Person[] | undefined;
  sponsor_tags: Person[] | undefined;
  location: Place | null | undefined;
  audio: Audio | null | undefined;
}

export type Likes = Pick<MediaFields, "like_count" | "likes_hidden" | "likes_hidden_reason">;

/** What Instagram sends for a like count that the creator hides, where it does not say that it is hidden. */
const PLACEHOLDER = 3;

/** @param isHidden `like_and_view_counts_disabled`; `undefined` where the source lacks it */
export function readLikes(count: number | null | undefined, isHidden: boolean | null | undefined): Likes {
  const reason = hiddenReason(count, isHidden);
  if (reason !== null) return { like_count: null, likes_hidden: true, likes_hidden_reason: reason };
  if (count === undefined && isHidden == null) return {};
  return { like_count: count, likes_hidden: false, likes_hidden_reason: null };
}

function hiddenReason(count: number | null | undefined, isHidden: boolean | null | undefined) {
  if (isHidden === true) return "disabled";
  if (typeof count === "number" && count < 0) return "negative";
  return count === PLACEHOLDER && isHidden == null ? "placeholder" : null;
}

/** A count; −1 stands for one that is hidden. */
export function knownCount(count: number | null | undefined): number | null | undefined {
  return typeof count === "number" && count < 0 ? null : count;
}

/** Whether somebody has seen a medium: who hides its likes hides its views too, and shows them as 0. */
export function wasSeen(likes: Likes, counts: readonly (number | null | undefined)[]): boolean {
  return (
    likes.likes_hidden_reason === "disabled" ||
    [likes.like_count, ...counts].some((count) => (count ?? 0) > 0)
  );
}

/**
 * A count of plays or views. Instagram's older web query says 0 of every video (2023): of what somebody has seen, 0 is
 * not told.
 */
export function viewCount(count: number | null | undefined, isSeen: boolean): number | null | undefined {
  return count === 0 && isSeen ? undefined : knownCount(count);
}

/** Whose list a medium was seen in. */
export interface Owner {
  ig_user_id: string;
  followers_count: number | null;
  source: string;
}

const POST_TYPES = { 1: "photo", 2: "video", 8: "carousel" } as const;

export function toPost(seen: SeenMedia, owner: Owner): PostItem {
  return {
    ...commonFields(seen, owner),
    post_type: fromTold(seen.media_type, (type) => POST_TYPES[type]),
    carousel_media_count: seen.carousel_media_count,
    comments_disabled: seen.comments_disabled,
    original_width: seen.original_width,
    original_height: seen.original_height,
    accessibility_caption: seen.accessibility_caption,
    view_count: seen.view_count,
  };
}

export function toReel(seen: SeenMedia, owner: Owner): ReelItem {
  return {
    ...commonFields(seen, owner),
    play_count: seen.play_count,
    ig_play_count: seen.ig_play_count,
    video_view_count: seen.view_count,
    has_audio: seen.has_audio,
    video_url: seen.video_url,
  };
}

function commonFields(seen: SeenMedia, owner: Owner): MediaFields {
  const { like_count } = seen.likes;
  const isKnown = typeof like_count === "number" && typeof seen.comment_count === "number";
  const engagement = isKnown ? like_count + seen.comment_count! : null;
  const { caption_text } = seen;
  return {
    media_id: seen.media_id,
    shortcode: seen.shortcode,
    ig_user_id: seen.ig_user_id ?? owner.ig_user_id,
    product_type: seen.product_type,
    media_type: seen.media_type,
    taken_at: seen.taken_at,
    caption_text,
    ...(caption_text !== undefined && {
      hashtags: hashtagsIn(caption_text ?? ""),
      mentions: mentionsIn(caption_text ?? ""),
    }),
    ...seen.likes,
    comment_count: seen.comment_count,
    engagement_count: engagement,
    engagement_rate: rateOf(engagement, owner.followers_count),
    thumbnail_url: seen.thumbnail_url,
    is_paid_partnership: seen.is_paid_partnership,
    is_pinned: seen.is_pinned ?? false,
    video_duration: seen.video_duration,
    reshare_count: seen.reshare_count,
    media_repost_count: seen.media_repost_count,
    media: seen.media,
    coauthors: seen.coauthors,
    tagged_users: seen.tagged_users,
    sponsor_tags: seen.sponsor_tags,
    location: seen.location,
    audio: seen.audio,
    source: owner.source,
  };
}

/** Percent of the followers; `null` without any. */
export function rateOf(engagement: number | null, followers: number | null): number | null {
  return engagement !== null && followers ? (engagement / followers) * 100 : null;
}

/**
 * With its pins told where the site did not: a list is in an order of time, so what stands in one of its first
 * three places and is older than what comes after is pinned.
 */
export function withPins(page: readonly SeenMedia[], { isFirst }: { isFirst: boolean }): SeenMedia[] {
  return page.map((seen, index) => {
    if (seen.is_pinned !== undefined || !isFirst || index >= 3 || !seen.taken_at) return seen;
    const { taken_at } = seen;
    return { ...seen, is_pinned: page.slice(index + 1).some((later) => (later.taken_at ?? "") > taken_at) };
  });
}

/** Marks of letters; those of a keycap (`#️⃣`, `1️⃣`) are none. */
const MARK = String.raw`[\p{M}--[\u{fe0f}\u{20e3}]]`;
const TAG_START = String.raw`[\p{L}\p{N}_\p{Extended_Pictographic}]`;
const TAG_PART = String.raw`[\p{L}\p{N}_\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}]`;
/** Joiners (Persian, Indic, emoji) stand between two others. */
const TAG = String.raw`[#＃]${TAG_START}(?:${TAG_PART}|[\u{200c}\u{200d}](?=${TAG_PART}))*`;
/** Tags, one at the other, that no word, address or entity runs into. */
const TAGS = new RegExp(String.raw`(?=[#＃])(?<![\p{L}\p{N}_]${MARK}*|[&\/])(?:${TAG})+`, "gv");

/** Letters of any script, digits, `_` and emoji, one of them no digit; folded, each once. */
export function hashtagsIn(caption: string): string[] {
  const runs = caption.normalize("NFC").matchAll(TAGS);
  const tags = [...runs].flatMap(([run]) => run.split(/[#＃]/).slice(1));
  return distinct(tags).filter((tag) => !/^[\p{Nd}\p{M}]+$/u.test(tag));
}

/** An address of e-mail has a word before its sign; a name that goes on in letters that no name has is none. */
const MENTION =
  /(?=[@＠])(?<![\w.@＠\/]|[\p{sc=Latin}\p{N}]\p{M}*)[@＠](\w+(?:\.\w+)*)(?![\w\p{sc=Latin}\p{M}])/gv;
const MAX_USERNAME = 30;

export function mentionsIn(caption: string): string[] {
  const names = [...caption.normalize("NFC").matchAll(MENTION)].map((match) => match[1]!);
  return distinct(names.filter(({ length }) => length <= MAX_USERNAME));
}

function distinct(words: readonly string[]): string[] {
  return [...new Set(words.map(foldWord))];
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The media id that a shortcode spells, exactly; of the 11 letters that it begins with when it is a private one. */
export function idOfShortcode(shortcode: string): string | null {
  if (!/^[\w-]{1,11}/.test(shortcode)) return null;
  const letters = shortcode.slice(0, 11).split("");
  return String(letters.reduce((id, letter) => id * 64n + BigInt(ALPHABET.indexOf(letter)), 0n));
}
