import type { Pool } from "pg";
import { columnsOf } from "./columns.ts";
import { Filter } from "./filter.ts";
import type { ListTable } from "./page.ts";

export const CONTENT_TYPES = ["gallery", "video", "text", "image", "link"] as const;

const SUBREDDIT = "(select s.? from reddit_subreddits s where lower(s.name) = lower(t.subreddit_name))";

export const POSTS = {
  name: "reddit_posts",
  id: { column: "reddit_id", type: "text" },
  columns: columnsOf(
    "reddit_id title url domain author_username subreddit_name created_utc score num_comments upvote_ratio over_18",
    "spoiler stickied locked is_self is_video content_type link_flair_text thumbnail permalink post_length",
    "posting_day_of_week posting_hour is_crosspost num_crossposts comment_to_upvote_ratio subreddit_subscribers",
    "first_seen_at last_scraped_at",
  ),
  extraColumns: {
    ...columnsOf(
      "selftext media poll crosspost_parent author_fullname author_flair_text link_flair_template_id link_flair_colors",
      "archived edited_at distinguished removed_by_category gilded total_awards_received is_original_content",
      "next_due_at last_run_id",
    ),
    primary_category: SUBREDDIT.replace("?", "primary_category"),
    tags: SUBREDDIT.replace("?", "tags"),
  },
  computed: {
    primary_category: { type: "text", nullable: true, description: "Of the subreddit." },
    tags: { type: "text[]", nullable: true, description: "Of the subreddit." },
    viral_rank: { type: "double precision", nullable: false, description: "With sort=viral." },
  },
  sorts: {
    created_utc: { column: "created_utc", type: "timestamptz" },
    score: { column: "score", type: "integer" },
  },
} satisfies ListTable;

export interface PostFilter {
  subreddit?: string | undefined;
  author?: string | undefined;
  since?: Date | undefined;
  content_type?: (typeof CONTENT_TYPES)[number] | undefined;
  min_score?: number | undefined;
}

/** What its author has deleted is in no list. */
export function filterPosts(wanted: PostFilter): Filter {
  return new Filter()
    .require("t.deleted_at is null")
    .add("lower(t.subreddit_name) = lower(?)", wanted.subreddit)
    .add("lower(t.author_username) = lower(?)", wanted.author)
    .add("t.created_utc >= ?", wanted.since)
    .add("t.content_type = ?", wanted.content_type)
    .add("t.score >= ?", wanted.min_score);
}

export interface ViralOptions {
  windowHours: number;
  perSubreddit: number;
  limit: number;
  fields: readonly string[];
}

/** The best posts of the window by viral rank (`viral_rank`), a JSON array. */
export async function readViralPosts(
  pool: Pool,
  { windowHours, perSubreddit, limit, fields }: ViralOptions,
): Promise<{ items: string; count: number }> {
  const extra = Object.entries(POSTS.extraColumns).filter(([name]) => fields.includes(name));
  const columns = [...Object.entries(POSTS.columns), ...extra].map(([name, sql]) => `${sql} as "${name}"`);
  const { rows } = await pool.query<{ items: string; count: number }>(
    `select coalesce(json_agg(r order by r.viral_rank desc, r.reddit_id), '[]')::text as items,
      count(*)::integer as count
    from (
      select ${columns.join(", ")}, v.viral_rank
      from viral_posts($1, $2, $3) v join reddit_posts t using (reddit_id)
    ) r`,
    [windowHours, perSubreddit, limit],
  );
  return rows[0]!;
}
