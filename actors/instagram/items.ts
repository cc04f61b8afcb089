import type { Availability } from "../../shared/crawl/outcome.ts";

/**
 * The items of the four datasets, whatever source they come from. The kit adds `observed_at`. In every field `null`
 * is "known to be absent": the site says that there is none. `undefined` is "this source does not tell", or not so that
 * it can be read, and is not stored.
 */

/** Where an item comes from: the source and its endpoint, as `api/user-feeds`. */
export interface Sourced {
  source: string;
}

/** `instagram_creators`, from a profile. Merged by `ig_user_id` with {@link CreatorMetrics}. */
export interface CreatorProfile extends Sourced {
  ig_user_id: string;
  username: string;
  /** The name that the run input knew and that is not theirs any more. */
  previous_usernames?: string[];
  full_name?: string | null | undefined;
  biography?: string | null | undefined;
  external_url?: string | null | undefined;
  /** Instagram's own kind of that link: `external`, `facebook`, … */
  external_url_type?: string | null | undefined;
  bio_links?: BioLink[] | null | undefined;
  profile_pic_url?: string | null | undefined;
  profile_pic_url_hd?: string | null | undefined;
  is_private?: boolean | null | undefined;
  is_verified?: boolean | null | undefined;
  is_business_account?: boolean | null | undefined;
  is_professional_account?: boolean | null | undefined;
  is_joined_recently?: boolean | null | undefined;
  category_name?: string | null | undefined;
  has_clips?: boolean | null | undefined;
  highlight_reel_count?: number | null | undefined;
  /** Not told of a gated creator, whose zeros are none. */
  followers_count?: number | null | undefined;
  following_count?: number | null | undefined;
  media_count?: number | null | undefined;
  availability: Extract<Availability, "ok" | "private" | "gated">;
  /** The site's own words; `null` when `ok`. */
  availability_reason: string | null;
}

/** `instagram_creators`, when the site stated that a creator known by id is not there. */
export interface MissingCreator extends Sourced, CreatorCosts {
  ig_user_id: string;
  availability: Availability;
  availability_reason: string;
}

export interface BioLink {
  title: string | null;
  url: string;
  link_type: string | null;
}

/**
 * `instagram_creators`, from the posts and reels that were read. A medium that is in both lists counts once, as a
 * reel when its `product_type` is `clips`. Pinned media older than the rest are left out. Averages are over known
 * values; each figure's sample size is in `metric_samples`, and a figure is `null` when that is too small to tell.
 * Figures of a list that was not read are not there, nor those over both.
 */
export type CreatorMetrics = Partial<PostMetrics & ReelMetrics & JointMetrics> & MetricsFrame;

/** Over posts that are no clips. */
export interface PostMetrics {
  avg_post_likes: number | null;
  avg_post_comments: number | null;
  avg_post_engagement: number | null;
  /** Mean of the media's own rates, percent of followers; so are the other two. */
  posts_engagement_rate: number | null;
}

export interface ReelMetrics {
  avg_reel_likes: number | null;
  avg_reel_comments: number | null;
  avg_reel_engagement: number | null;
  avg_reel_plays: number | null;
  reels_engagement_rate: number | null;
  /** Average plays of a reel, percent of followers. */
  reach_rate: number | null;
  /** Reels with as many plays as INSTAGRAM_VIRAL_PLAYS and INSTAGRAM_VIRAL_FACTOR times the median of those before. */
  viral_reels_count: number | null;
}

/** Over both lists. */
export interface JointMetrics {
  engagement_rate: number | null;
  posting_frequency_per_week: number | null;
  /** 0 to 100: 100 is a clockwork. */
  posting_consistency_score: number | null;
  days_since_last_post: number | null;
  /** Name of the day and hour, UTC, with the highest mean engagement. */
  best_posting_day: string | null;
  best_posting_hour: number | null;
  best_content_type: "reels" | "posts" | "mixed" | null;
  /** Comments per like, and reshares per like, over media with both known. */
  comment_like_ratio: number | null;
  reshare_like_ratio: number | null;
  /** The ten most used, with the number of media that have them. */
  top_hashtags: Count[];
  top_mentions: Count[];
}

export interface MetricsFrame {
  metrics_at: string;
  /** Media that the figures are over. */
  metrics_sample_size: number;
  metrics_posts_sample_size: number;
  metrics_reels_sample_size: number;
  /** Oldest and newest medium, as an ISO 8601 interval; `null` without any. */
  metrics_window: string | null;
  /** By figure: how many media it is over. */
  metric_samples: Record<string, number>;
}

/** `instagram_creators`, with the figures. */
export interface MetricsDoubt {
  /** Lists that may have more than the figures are over, for their end could not be read; `null` without any. */
  metrics_uncertain_lists: ("posts" | "reels")[] | null;
}

/** `instagram_creators`, what a creator has cost in this run: with the last item about it, and no other. */
export interface CreatorCosts {
  /** Calls to the sources, retries that counted included. */
  api_calls: number;
  /** At the settings' price of a call. */
  api_cost_usd: number;
}

export interface Count {
  name: string;
  count: number;
}

/** What posts and reels have in common. */
export interface MediaFields extends Sourced {
  media_id: string;
  shortcode?: string | null | undefined;
  ig_user_id: string;
  /** `feed`, `clips`, `carousel_container`, `igtv`, … */
  product_type?: string | null | undefined;
  /** 1 photo, 2 video, 8 carousel. */
  media_type?: 1 | 2 | 8 | null | undefined;
  taken_at?: string | undefined;
  /** Whole. */
  caption_text?: string | null | undefined;
  /** Of the caption, in lower case, without `#` and `@`, each once. */
  hashtags?: string[] | undefined;
  mentions?: string[] | undefined;
  /** `null` when hidden. */
  like_count?: number | null | undefined;
  comment_count?: number | null | undefined;
  likes_hidden?: boolean | undefined;
  /** `disabled` by the creator, `negative` (−1) or a `placeholder` (3, with no flag that tells). */
  likes_hidden_reason?: "disabled" | "negative" | "placeholder" | null | undefined;
  /** Likes and comments; `null` when one of them is not known. */
  engagement_count: number | null;
  /** Percent of the followers at the time. */
  engagement_rate: number | null;
  thumbnail_url?: string | null | undefined;
  is_paid_partnership?: boolean | null | undefined;
  is_pinned: boolean;
  video_duration?: number | null | undefined;
  reshare_count?: number | null | undefined;
  media_repost_count?: number | null | undefined;
  /** One entry a carousel child, in order; else the one picture or video. */
  media?: Medium[] | undefined;
  coauthors?: Person[] | undefined;
  tagged_users?: Person[] | undefined;
  sponsor_tags?: Person[] | undefined;
  location?: Place | null | undefined;
  audio?: Audio | null | undefined;
}

/** `instagram_posts`: what a creator's grid shows, clips among them. First sight wins, by `media_id`. */
export interface PostItem extends MediaFields {
  post_type?: "photo" | "video" | "carousel" | null | undefined;
  /** `null` for all but carousels. */
  carousel_media_count?: number | null | undefined;
  comments_disabled?: boolean | null | undefined;
  original_width?: number | null | undefined;
  original_height?: number | null | undefined;
  accessibility_caption?: string | null | undefined;
  view_count?: number | null | undefined;
}

/** `instagram_reels`: what a creator's reels tab shows. First sight wins, by `media_id`. */
export interface ReelItem extends MediaFields {
  /** Plays with those on Facebook, and on Instagram alone: two numbers, of which either may be told. */
  play_count?: number | null | undefined;
  ig_play_count?: number | null | undefined;
  /** Views as the web counts them: a third number. */
  video_view_count?: number | null | undefined;
  has_audio?: boolean | null | undefined;
  video_url?: string | null | undefined;
}

export interface Medium {
  type: "image" | "video";
  url: string;
  /** Pixels; `null` when the site does not say. */
  width: number | null;
  height: number | null;
  /** `null` for pictures. */
  duration_secs: number | null;
  /** Of the picture, for those who cannot see it. */
  accessibility_caption: string | null;
}

export interface Person {
  ig_user_id: string;
  username: string | null;
}

export interface Place {
  id: string | null;
  name: string | null;
  lat: number | null;
  lng: number | null;
}

export interface Audio {
  id: string | null;
  title: string | null;
  artist: string | null;
  /** The creator's own sound. */
  is_original: boolean;
}

/** `instagram_related`: Instagram shows `target` beside `source`. First sight wins, by both ids. */
export interface RelatedItem extends Sourced {
  source_ig_user_id: string;
  target_ig_user_id: string;
  target_username: string;
  target_full_name: string | null;
  target_is_private: boolean | null;
  target_is_verified: boolean | null;
  target_profile_pic_url: string | null;
  /** Place in the list, from 1. */
  rank: number;
}
