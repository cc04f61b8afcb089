import type { Pool } from "pg";
import { columnsOf } from "./columns.ts";
import { containing, Filter } from "./filter.ts";
import type { ListTable } from "./page.ts";

export const REVIEW_STATUSES = ["ok", "non_related"] as const;
export type ReviewStatus = (typeof REVIEW_STATUSES)[number];

export const CREATORS = {
  name: "instagram_creators",
  id: { column: "ig_user_id", type: "text" },
  columns: columnsOf(
    "ig_user_id username full_name profile_pic_url is_private is_verified is_business_account category_name",
    "followers_count following_count media_count follower_growth_rate_daily follower_growth_rate_weekly",
    "engagement_rate posts_engagement_rate reels_engagement_rate avg_reel_plays reach_rate viral_reels_count",
    "posting_frequency_per_week best_content_type metrics_sample_size metrics_at last_post_at availability",
    "review_status niche categories body_tags discovery_source first_seen_at last_scraped_at",
  ),
  extraColumns: columnsOf(
    "biography external_url bio_links profile_pic_url_hd previous_usernames avg_post_likes avg_post_comments",
    "avg_reel_likes avg_reel_comments posting_consistency_score best_posting_day best_posting_hour",
    "comment_like_ratio reshare_like_ratio top_hashtags top_mentions metrics_window metric_samples",
    "metrics_uncertain_lists",
    "availability_reason reviewed_at reviewed_by notes tag_confidence total_api_calls next_due_at last_run_id",
  ),
  sorts: {
    followers_count: { column: "followers_count", type: "bigint" },
    engagement_rate: { column: "engagement_rate", type: "double precision" },
    growth: { column: "follower_growth_rate_weekly", type: "double precision" },
    last_post_at: { column: "last_post_at", type: "timestamptz" },
    last_scraped_at: { column: "last_scraped_at", type: "timestamptz" },
  },
} satisfies ListTable;

/** What lists of creators are asked for; `undefined`: whatever it is. */
export interface CreatorFilter {
  /** `none`: not reviewed. */
  review_status?: ReviewStatus | "none" | undefined;
  niche?: string | undefined;
  min_followers?: number | undefined;
  max_followers?: number | undefined;
  min_engagement?: number | undefined;
  verified?: boolean | undefined;
  /** All of them. */
  tags?: string[] | undefined;
  /** Part of the username or name. */
  q?: string | undefined;
}

export function filterCreators(wanted: CreatorFilter): Filter {
  const filter = new Filter();
  if (wanted.review_status === "none") filter.require("t.review_status is null");
  else filter.add("t.review_status = ?", wanted.review_status);
  return filter
    .add("t.niche = ?", wanted.niche)
    .add("t.followers_count >= ?", wanted.min_followers)
    .add("t.followers_count <= ?", wanted.max_followers)
    .add("t.engagement_rate >= ?", wanted.min_engagement)
    .add("t.is_verified = ?", wanted.verified)
    .add("t.body_tags @> ?::text[]", wanted.tags)
    .add("lower(coalesce(t.username, '') || ' ' || coalesce(t.full_name, '')) like ?", containing(wanted.q));
}

/** SQL for the id of whoever has the name `username` by the newest look, else of the account with that id. */
export function creatorId(username: string): string {
  return `coalesce((
    select c.ig_user_id from instagram_creators c where lower(c.username) = lower(${username})
    order by c.last_scraped_at desc nulls last limit 1), ${username})`;
}

/** All columns of a creator as JSON text. @param name username or id */
export async function readCreator(pool: Pool, name: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ item: string }>(
    `select to_json(t)::text as item from instagram_creators t where t.ig_user_id = ${creatorId("$1::text")}`,
    [name],
  );
  return rows[0]?.item;
}

/** What people write; `undefined` stays as it is, null is none. */
export interface CreatorReview {
  review_status?: ReviewStatus | null | undefined;
  niche?: string | null | undefined;
  categories?: string[] | undefined;
  notes?: string | null | undefined;
}

/** Writes the columns of people. @returns false when there is no such creator */
export async function reviewCreator(
  pool: Pool,
  name: string,
  changes: CreatorReview,
  by: string,
): Promise<boolean> {
  const filter = new Filter();
  const { review_status, niche, categories, notes } = changes;
  const sets = Object.entries({ review_status, niche, categories, notes }).flatMap(([column, value]) =>
    value === undefined ? [] : `${column} = ${filter.bind(value)}`,
  );
  if (review_status !== undefined) sets.push("reviewed_at = now()", `reviewed_by = ${filter.bind(by)}`);
  const { rowCount } = await pool.query(
    `update instagram_creators t set ${sets.join(", ")}
    where t.ig_user_id = ${creatorId(`${filter.bind(name)}::text`)}`,
    filter.values,
  );
  return rowCount === 1;
}
