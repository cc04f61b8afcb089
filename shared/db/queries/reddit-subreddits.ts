import type { Pool } from "pg";
import { foldName } from "../../parse/text.ts";
import { columnsOf } from "./columns.ts";
import { containing, Filter } from "./filter.ts";
import type { ListTable } from "./page.ts";

export const REVIEWS = ["Ok", "No Seller", "Non Related", "User Feed", "Banned"] as const;
export type Review = (typeof REVIEWS)[number];

export const SUBREDDITS = {
  name: "reddit_subreddits",
  id: { column: "id", type: "integer" },
  columns: columnsOf(
    "name display_name_prefixed title public_description subscribers created_utc over18 subreddit_type submission_type",
    "allow_images allow_videos is_quarantined icon_img community_icon advertiser_category verification_required",
    "engagement subreddit_score avg_upvotes_per_post avg_comments_per_post metrics_sample_size metrics_at",
    "min_account_age_days min_comment_karma min_post_karma best_posting_day best_posting_hour top_content_type",
    "growth_24h growth_7d growth_30d availability review primary_category tags review_suggestion",
    "first_seen_at last_scraped_at",
  ),
  extraColumns: columnsOf(
    "description submit_text rules_data verification_evidence content_type_shares banner_img header_img",
    "review_suggestion_terms notes tags_updated_at tags_updated_by availability_reason next_due_at last_run_id",
  ),
  sorts: {
    subscribers: { column: "subscribers", type: "integer" },
    subreddit_score: { column: "subreddit_score", type: "double precision" },
    engagement: { column: "engagement", type: "double precision" },
    avg_upvotes: { column: "avg_upvotes_per_post", type: "double precision" },
    growth: { column: "growth_7d", type: "integer" },
    last_scraped_at: { column: "last_scraped_at", type: "timestamptz" },
  },
} satisfies ListTable;

/** What lists of subreddits are asked for; `undefined`: whatever it is. */
export interface SubredditFilter {
  /** `none`: not reviewed. */
  review?: Review | "none" | undefined;
  category?: string | undefined;
  /** All of them. */
  tags?: string[] | undefined;
  over18?: boolean | undefined;
  min_subscribers?: number | undefined;
  max_subscribers?: number | undefined;
  /** Part of the name. */
  q?: string | undefined;
}

export function filterSubreddits(wanted: SubredditFilter): Filter {
  const filter = new Filter();
  if (wanted.review === "none") filter.require("t.review is null");
  else filter.add("t.review = ?", wanted.review);
  return filter
    .add("t.primary_category = ?", wanted.category)
    .add("t.tags @> ?::text[]", wanted.tags)
    .add("t.over18 = ?", wanted.over18)
    .add("t.subscribers >= ?", wanted.min_subscribers)
    .add("t.subscribers <= ?", wanted.max_subscribers)
    .add("lower(t.name) like ?", containing(wanted.q));
}

/** All columns of a subreddit as JSON text. */
export async function readSubreddit(pool: Pool, name: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ item: string }>(
    "select to_json(t)::text as item from reddit_subreddits t where lower(t.name) = lower($1)",
    [name],
  );
  return rows[0]?.item;
}

/** What people write; `undefined` stays as it is, null is none. */
export interface SubredditReview {
  review?: Review | null | undefined;
  primary_category?: string | null | undefined;
  tags?: string[] | undefined;
  notes?: string | null | undefined;
}

/** Writes the columns of people. @returns names of those that there were, as Reddit spells them */
export async function reviewSubreddits(
  pool: Pool,
  names: readonly string[],
  changes: SubredditReview,
  by: string,
): Promise<string[]> {
  const filter = new Filter();
  const sets = Object.entries({
    review: changes.review,
    primary_category: changes.primary_category,
    tags: changes.tags,
    notes: changes.notes,
  }).flatMap(([column, value]) => (value === undefined ? [] : `${column} = ${filter.bind(value)}`));
  if (changes.tags !== undefined)
    sets.push("tags_updated_at = now()", `tags_updated_by = ${filter.bind(by)}`);
  filter.add("lower(t.name) = any(?)", names.map(foldName));
  // Locked in the order in which actors write them.
  const { rows } = await pool.query<{ name: string }>(
    `with chosen as (select t.id from reddit_subreddits t ${filter.where()} order by lower(t.name) for update)
    update reddit_subreddits t set ${sets.join(", ")} from chosen where t.id = chosen.id returning t.name`,
    filter.values,
  );
  return rows.map(({ name }) => name);
}

export interface ReviewCounts {
  review: Review | null;
  count: number;
  /** Of them, seen first in the last 24 hours. */
  added_today: number;
}

export async function countReviews(pool: Pool): Promise<ReviewCounts[]> {
  const { rows } = await pool.query<ReviewCounts>(
    `select c.review, c.count, coalesce(a.count, 0) as added_today
    from (select review, count(*) from reddit_subreddits group by review) c
    left join (
      select review, count(*) from reddit_subreddits where first_seen_at > now() - interval '1 day' group by review
    ) a on a.review is not distinct from c.review
    order by c.count desc`,
  );
  return rows;
}

export interface SuggestionFilter {
  /** Any of them. */
  tags?: string[] | undefined;
  sfw?: boolean | undefined;
  verification_required?: boolean | undefined;
  min_engagement?: number | undefined;
  min_subscribers?: number | undefined;
  limit: number;
}

/** What a suggestion tells of each of its posts. */
export const TOP_POST_COLUMNS = [
  "reddit_id",
  "title",
  "author_username",
  "created_utc",
  "score",
  "num_comments",
  "content_type",
  "permalink",
  "thumbnail",
] as const;

/** Where to post: subreddits reviewed Ok, the largest first, each with its ten best posts of seven days. JSON text. */
export async function suggestSubreddits(pool: Pool, wanted: SuggestionFilter): Promise<string> {
  const filter = new Filter()
    .require("t.review = 'Ok'")
    .add("t.tags && ?::text[]", wanted.tags)
    .add("coalesce(t.over18, false) <> ?", wanted.sfw)
    .add("coalesce(t.verification_required, false) = ?", wanted.verification_required)
    .add("t.engagement >= ?", wanted.min_engagement)
    .add("t.subscribers >= ?", wanted.min_subscribers);
  const limit = filter.bind(wanted.limit);
  const columns = Object.values(SUBREDDITS.columns).join(", ");
  const { rows } = await pool.query<{ items: string }>(
    `select coalesce(json_agg(r order by r.subscribers desc nulls last, r.name), '[]')::text as items
    from (
      select ${columns}, (
        select coalesce(json_agg(p), '[]') from (
          select ${TOP_POST_COLUMNS.join(", ")}
          from reddit_posts where lower(subreddit_name) = lower(t.name)
            and created_utc > now() - interval '7 days' and deleted_at is null
          order by score desc nulls last, reddit_id limit 10
        ) p
      ) as top_posts
      from reddit_subreddits t ${filter.where()} order by t.subscribers desc nulls last, t.id limit ${limit}
    ) r`,
    filter.values,
  );
  return rows[0]!.items;
}
