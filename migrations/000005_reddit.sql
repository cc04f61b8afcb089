-- What Reddit's actors bring together: the current truth, and how it changed. Columns marked [human] are written by
-- people and are in no function that a scraper calls.

create extension if not exists pg_trgm;

create table reddit_subreddits (
  id integer generated always as identity primary key,
  name text not null,
  reddit_id text,
  display_name_prefixed text,
  title text,
  description text,
  public_description text,
  subscribers integer,
  created_utc timestamptz,
  over18 boolean,
  subreddit_type text,
  url text,
  lang text,
  submission_type text,
  submit_text text,
  submit_text_html text,
  allow_images boolean,
  allow_videos boolean,
  allow_polls boolean,
  spoilers_enabled boolean,
  wiki_enabled boolean,
  is_quarantined boolean,
  link_flair_enabled boolean,
  link_flair_position text,
  user_flair_enabled_in_sr boolean,
  user_flair_position text,
  icon_img text,
  banner_img text,
  community_icon text,
  header_img text,
  mobile_banner_image text,
  banner_background_color text,
  primary_color text,
  key_color text,
  advertiser_category text,
  allowed_media_in_comments text[],
  restrict_posting boolean,
  accept_followers boolean,
  about_at timestamptz,

  -- Array of {short_name, kind, priority, description, violation_reason}.
  rules_data jsonb,
  verification_required boolean,
  -- The sentence that says so.
  verification_evidence text,
  rules_at timestamptz,

  engagement double precision,
  subreddit_score double precision,
  avg_upvotes_per_post double precision,
  avg_comments_per_post double precision,
  -- `Monday`, …, UTC.
  best_posting_day text,
  -- UTC.
  best_posting_hour smallint,
  top_content_type text,
  image_post_avg_score double precision,
  video_post_avg_score double precision,
  text_post_avg_score double precision,
  link_post_avg_score double precision,
  gallery_post_avg_score double precision,
  -- {<content type>: share of the sample}
  content_type_shares jsonb,
  metrics_sample_size integer,
  metrics_window text,
  -- Why the metrics are null.
  metrics_reason text,
  score_version smallint,
  metrics_at timestamptz,

  -- 10th percentiles over the authors seen.
  min_account_age_days double precision,
  min_comment_karma double precision,
  min_post_karma double precision,
  requirement_sample_size integer,
  requirement_reason text,
  requirements_at timestamptz,

  availability text check (availability in (
    'ok', 'private', 'quarantined', 'gated', 'banned', 'not_found', 'suspended')),
  availability_reason text,
  availability_since timestamptz,
  -- Observations of it at least an hour apart.
  availability_confirmations integer not null default 0,
  availability_confirmed_at timestamptz,
  availability_at timestamptz,

  -- As reddit_subreddit_growth has it, at the last observation.
  growth_24h integer,
  growth_7d integer,
  growth_30d integer,

  -- [human], the six of them; null: not reviewed.
  review text check (review in ('Ok', 'No Seller', 'Non Related', 'User Feed', 'Banned')),
  primary_category text,
  tags text[] not null default '{}',
  tags_updated_at timestamptz,
  tags_updated_by text,
  notes text,

  -- What the keywords suggest to whoever reviews, and which of them matched.
  review_suggestion text,
  review_suggestion_terms text[],

  first_seen_at timestamptz not null default now(),
  -- Newest observation of any kind; null: only its name is known.
  last_scraped_at timestamptz,
  next_due_at timestamptz,
  last_run_id text
) with (fillfactor = 90);

create unique index reddit_subreddits_name on reddit_subreddits (lower(name));
create index reddit_subreddits_subscribers on reddit_subreddits (subscribers desc nulls last, id);
create index reddit_subreddits_score on reddit_subreddits (subreddit_score desc nulls last, id);
create index reddit_subreddits_engagement on reddit_subreddits (engagement desc nulls last, id);
create index reddit_subreddits_upvotes on reddit_subreddits (avg_upvotes_per_post desc nulls last, id);
create index reddit_subreddits_growth on reddit_subreddits (growth_7d desc nulls last, id);
create index reddit_subreddits_scraped on reddit_subreddits (last_scraped_at desc nulls last, id);
create index reddit_subreddits_review_subscribers on reddit_subreddits (review, subscribers desc nulls last, id);
create index reddit_subreddits_review_score on reddit_subreddits (review, subreddit_score desc nulls last, id);
create index reddit_subreddits_review_engagement on reddit_subreddits (review, engagement desc nulls last, id);
create index reddit_subreddits_first_seen on reddit_subreddits (first_seen_at, review);
create index reddit_subreddits_tags on reddit_subreddits using gin (tags);
create index reddit_subreddits_search on reddit_subreddits using gin (lower(name) gin_trgm_ops);
create index reddit_subreddits_due on reddit_subreddits (next_due_at) where next_due_at is not null;

create table reddit_subreddits_history (
  subreddit_id integer not null references reddit_subreddits on delete cascade,
  observed_at timestamptz not null,
  subscribers integer,
  avg_upvotes_per_post double precision,
  avg_comments_per_post double precision,
  engagement double precision,
  subreddit_score double precision,
  primary key (subreddit_id, observed_at)
);

create table reddit_posts (
  reddit_id text collate "C" primary key,
  title text,
  selftext text,
  url text,
  domain text,
  author_username text,
  author_fullname text,
  subreddit_name text,
  created_utc timestamptz,
  score integer,
  num_comments integer,
  upvote_ratio double precision,
  over_18 boolean,
  spoiler boolean,
  stickied boolean,
  locked boolean,
  is_self boolean,
  is_video boolean,
  is_original_content boolean,
  archived boolean,
  -- null: never.
  edited_at timestamptz,
  content_type text,
  link_flair_text text,
  link_flair_template_id text,
  link_flair_colors jsonb,
  author_flair_text text,
  thumbnail text,
  distinguished text,
  removed_by_category text,
  gilded integer,
  total_awards_received integer,
  permalink text,
  is_crosspost boolean,
  crosspost_parent text,
  num_crossposts integer,
  subreddit_subscribers integer,
  media jsonb,
  poll jsonb,
  post_length integer,
  -- 0 = Monday.
  posting_day_of_week smallint,
  -- UTC.
  posting_hour smallint,
  comment_to_upvote_ratio double precision,
  -- When a re-check saw it deleted: its content is blank since.
  deleted_at timestamptz,
  first_seen_at timestamptz not null default now(),
  last_scraped_at timestamptz not null,
  next_due_at timestamptz,
  last_run_id text
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);

create index reddit_posts_created on reddit_posts (created_utc desc nulls last, reddit_id);
create index reddit_posts_score on reddit_posts (score desc nulls last, reddit_id);
create index reddit_posts_subreddit_created on reddit_posts (lower(subreddit_name), created_utc desc nulls last, reddit_id);
create index reddit_posts_subreddit_score on reddit_posts (lower(subreddit_name), score desc nulls last, reddit_id);
create index reddit_posts_author on reddit_posts (lower(author_username), created_utc desc nulls last, reddit_id);
create index reddit_posts_due on reddit_posts (next_due_at) where next_due_at is not null;

create table reddit_posts_history (
  reddit_id text collate "C" not null,
  observed_at timestamptz not null,
  score integer,
  num_comments integer,
  upvote_ratio double precision,
  primary key (reddit_id, observed_at)
);

create table reddit_users (
  id integer generated always as identity primary key,
  username text not null,
  reddit_id text,
  created_utc timestamptz,
  comment_karma integer,
  link_karma integer,
  total_karma integer,
  awardee_karma integer,
  awarder_karma integer,
  is_employee boolean,
  is_mod boolean,
  is_gold boolean,
  verified boolean,
  has_verified_email boolean,
  is_suspended boolean,
  icon_img text,
  accept_followers boolean,
  subreddit_display_name text,
  subreddit_title text,
  subreddit_subscribers integer,
  subreddit_over_18 boolean,
  subreddit_banner_img text,
  bio text,
  bio_url text,
  karma_per_day double precision,
  username_quality_score double precision,
  age_quality_score double precision,
  karma_quality_score double precision,
  overall_user_score double precision,
  profile_at timestamptz,

  avg_post_score double precision,
  avg_post_comments double precision,
  total_posts_analyzed integer,
  preferred_content_type text,
  -- UTC.
  most_active_posting_hour smallint,
  -- `Monday`, …, UTC.
  most_active_posting_day text,
  primary_subreddits text[],
  history_hidden text check (history_hidden in ('no', 'likely', 'unknown')),
  metrics_at timestamptz,

  availability text check (availability in (
    'ok', 'private', 'quarantined', 'gated', 'banned', 'not_found', 'suspended')),
  availability_reason text,
  availability_since timestamptz,
  availability_confirmations integer not null default 0,
  availability_confirmed_at timestamptz,
  availability_at timestamptz,

  -- [human], the three of them.
  our_creator boolean not null default false,
  status text check (status in ('active', 'inactive', 'suspended')),
  notes text,

  first_seen_at timestamptz not null default now(),
  last_scraped_at timestamptz,
  next_due_at timestamptz,
  last_run_id text
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);

create unique index reddit_users_username on reddit_users (lower(username));
create index reddit_users_karma on reddit_users (total_karma desc nulls last, id);
create index reddit_users_created on reddit_users (created_utc desc nulls last, id);
create index reddit_users_karma_per_day on reddit_users (karma_per_day desc nulls last, id);
create index reddit_users_scraped on reddit_users (last_scraped_at desc nulls last, id);
create index reddit_users_reddit_id on reddit_users (reddit_id);
create index reddit_users_ours on reddit_users (id) where our_creator;
create index reddit_users_status on reddit_users (status, id) where status is not null;
create index reddit_users_search on reddit_users using gin (lower(username) gin_trgm_ops);
create index reddit_users_due on reddit_users (next_due_at) where next_due_at is not null;

create table reddit_users_history (
  user_id integer not null references reddit_users on delete cascade,
  observed_at timestamptz not null,
  total_karma integer,
  link_karma integer,
  comment_karma integer,
  primary key (user_id, observed_at)
);

-- Subreddits seen on the way: one row a run and place, counted by query.
create table reddit_discoveries (
  id bigint generated always as identity primary key,
  name text not null,
  -- Where it was seen: `r/<subreddit>`, `u/<user>`, or a search.
  seen_in text not null,
  run_id text not null,
  source text,
  observed_at timestamptz not null
);
create unique index reddit_discoveries_key on reddit_discoveries (run_id, lower(name), lower(seen_in));
create index reddit_discoveries_name on reddit_discoveries (lower(name));

alter table reddit_subreddits enable row level security;
alter table reddit_subreddits_history enable row level security;
alter table reddit_posts enable row level security;
alter table reddit_posts_history enable row level security;
alter table reddit_users enable row level security;
alter table reddit_users_history enable row level security;
alter table reddit_discoveries enable row level security;

-- Users with what depends on today.
create view reddit_user_ages with (security_invoker = true) as
  select id, username, extract(epoch from now() - created_utc)::bigint / 86400 as account_age_days
  from reddit_users;
