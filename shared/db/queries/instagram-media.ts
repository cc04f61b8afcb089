import { columnsOf } from "./columns.ts";
import { Filter } from "./filter.ts";
import { creatorId } from "./instagram-creators.ts";
import type { Column, ListTable, Sort } from "./page.ts";

const COMMON = [
  "media_id shortcode ig_user_id product_type media_type taken_at like_count comment_count likes_hidden",
  "likes_hidden_reason engagement_count engagement_rate thumbnail_url is_paid_partnership is_pinned video_duration",
  "hashtags mentions source first_seen_at last_scraped_at",
];
const COMMON_EXTRA = [
  "caption_text media coauthors tagged_users sponsor_tags location audio reshare_count media_repost_count last_run_id",
];
const CREATOR = {
  username: "(select c.username from instagram_creators c where c.ig_user_id = t.ig_user_id)",
};
const COMPUTED = {
  username: { type: "text", nullable: true, description: "Of the creator; null: not known." },
} satisfies Record<string, Column>;
const SORTS = {
  taken_at: { column: "taken_at", type: "timestamptz" },
  like_count: { column: "like_count", type: "bigint" },
  engagement_rate: { column: "engagement_rate", type: "double precision" },
} satisfies Record<string, Sort>;

export const INSTAGRAM_POSTS = {
  name: "instagram_posts",
  id: { column: "media_id", type: "text" },
  columns: { ...columnsOf(...COMMON, "post_type carousel_media_count view_count"), ...CREATOR },
  extraColumns: columnsOf(
    ...COMMON_EXTRA,
    "comments_disabled original_width original_height accessibility_caption",
  ),
  // A post has no plays; what its video has is called views.
  computed: COMPUTED,
  sorts: { ...SORTS, play_count: { column: "view_count", type: "bigint" } },
} satisfies ListTable;

export const INSTAGRAM_REELS = {
  name: "instagram_reels",
  id: { column: "media_id", type: "text" },
  columns: { ...columnsOf(...COMMON, "play_count ig_play_count video_view_count has_audio"), ...CREATOR },
  extraColumns: columnsOf(...COMMON_EXTRA, "video_url"),
  computed: COMPUTED,
  sorts: { ...SORTS, play_count: { column: "play_count", type: "bigint" } },
} satisfies ListTable;

/** What lists of posts and reels are asked for; `undefined`: whatever it is. */
export interface MediaFilter {
  /** Username or id. */
  creator?: string | undefined;
  since?: Date | undefined;
  min_plays?: number | undefined;
  /** Of the creator. */
  niche?: string | undefined;
}

export function filterMedia(
  table: typeof INSTAGRAM_POSTS | typeof INSTAGRAM_REELS,
  wanted: MediaFilter,
): Filter {
  return new Filter()
    .add(`t.ig_user_id = ${creatorId("?::text")}`, wanted.creator)
    .add("t.taken_at >= ?", wanted.since)
    .add(`t.${table.sorts.play_count.column} >= ?`, wanted.min_plays)
    .add(
      "exists (select from instagram_creators c where c.ig_user_id = t.ig_user_id and c.niche = ?)",
      wanted.niche,
    );
}
