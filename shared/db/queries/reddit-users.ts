import type { Pool } from "pg";
import { containing, Filter } from "./filter.ts";
import type { ListTable } from "./page.ts";
import { columnsOf } from "./columns.ts";

export const USER_STATUSES = ["active", "inactive", "suspended"] as const;

const ACCOUNT_AGE = "(select a.account_age_days from reddit_user_ages a where a.id = t.id)";

export const USERS = {
  name: "reddit_users",
  id: { column: "id", type: "integer" },
  columns: {
    ...columnsOf(
      "username reddit_id created_utc comment_karma link_karma total_karma is_mod is_gold verified has_verified_email",
      "is_suspended icon_img karma_per_day overall_user_score username_quality_score age_quality_score",
      "karma_quality_score avg_post_score avg_post_comments total_posts_analyzed preferred_content_type",
      "most_active_posting_hour most_active_posting_day availability our_creator status first_seen_at last_scraped_at",
    ),
    account_age_days: ACCOUNT_AGE,
  },
  extraColumns: columnsOf(
    "awardee_karma awarder_karma is_employee accept_followers bio bio_url primary_subreddits history_hidden notes",
    "subreddit_display_name subreddit_title subreddit_subscribers subreddit_over_18 subreddit_banner_img",
    "availability_reason metrics_at next_due_at last_run_id",
  ),
  computed: { account_age_days: { type: "integer", nullable: true } },
  sorts: {
    total_karma: { column: "total_karma", type: "integer" },
    created_utc: { column: "created_utc", type: "timestamptz" },
    karma_per_day: { column: "karma_per_day", type: "double precision" },
    last_scraped_at: { column: "last_scraped_at", type: "timestamptz" },
  },
} satisfies ListTable;

export interface UserFilter {
  min_karma?: number | undefined;
  min_age_days?: number | undefined;
  status?: (typeof USER_STATUSES)[number] | undefined;
  our_creator?: boolean | undefined;
  /** Part of the name. */
  q?: string | undefined;
}

export function filterUsers(wanted: UserFilter): Filter {
  return new Filter()
    .add("t.total_karma >= ?", wanted.min_karma)
    .add("t.created_utc <= now() - make_interval(days => ?)", wanted.min_age_days)
    .add("t.status = ?", wanted.status)
    .add("t.our_creator = ?", wanted.our_creator)
    .add("lower(t.username) like ?", containing(wanted.q));
}

/** All columns of a user as JSON text. */
export async function readUser(pool: Pool, username: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ item: string }>(
    `select row_to_json(r)::text as item from (
      select t.*, ${ACCOUNT_AGE} as account_age_days from reddit_users t where lower(t.username) = lower($1)) r`,
    [username],
  );
  return rows[0]?.item;
}
