-- What the Instagram actor brings together. Keyed by the account's id, because names change hands. Columns marked
-- [human] are written by people and are in no function that a scraper calls.

create table instagram_creators (
  ig_user_id text collate "C" primary key,
  -- As last seen. Whoever gave a name up may be seen with it until they are looked at again, so it is not unique.
  username text,
  full_name text,
  biography text,
  external_url text,
  external_url_type text,
  bio_links jsonb,
  profile_pic_url text,
  profile_pic_url_hd text,
  is_private boolean,
  is_verified boolean,
  is_business_account boolean,
  is_professional_account boolean,
  is_joined_recently boolean,
  category_name text,
  has_clips boolean,
  highlight_reel_count integer,
  followers_count bigint,
  following_count bigint,
  media_count bigint,
  -- Names that the account had before, the oldest first.
  previous_usernames text[] not null default '{}',
  profile_at timestamptz,

  -- Per cent of the followers then, against the newest history row at least a day (a week) old.
  follower_growth_rate_daily double precision,
  follower_growth_rate_weekly double precision,

  -- Over the posts and reels that the last crawl read; `metric_samples` has the number of media of each figure.
  avg_post_likes double precision,
  avg_post_comments double precision,
  avg_post_engagement double precision,
  avg_reel_likes double precision,
  avg_reel_comments double precision,
  avg_reel_engagement double precision,
  avg_reel_plays double precision,
  posts_engagement_rate double precision,
  reels_engagement_rate double precision,
  engagement_rate double precision,
  reach_rate double precision,
  viral_reels_count integer,
  posting_frequency_per_week double precision,
  posting_consistency_score double precision,
  days_since_last_post double precision,
  best_posting_day text,
  best_posting_hour smallint,
  best_content_type text,
  comment_like_ratio double precision,
  reshare_like_ratio double precision,
  top_hashtags jsonb,
  top_mentions jsonb,
  metrics_sample_size integer,
  metrics_posts_sample_size integer,
  metrics_reels_sample_size integer,
  metrics_window text,
  metric_samples jsonb,
  metrics_at timestamptz,
  -- The newest post or reel, and the newest one when all that the last crawl wanted had been read.
  last_post_at timestamptz,
  known_until timestamptz,

  availability text check (availability in (
    'ok', 'private', 'quarantined', 'gated', 'banned', 'not_found', 'suspended')),
  availability_reason text,
  availability_since timestamptz,
  -- Observations of it at least an hour apart.
  availability_confirmations integer not null default 0,
  availability_confirmed_at timestamptz,
  availability_at timestamptz,

  -- `related:<id of the creator that it was shown beside>`; null: asked for.
  discovery_source text,
  discovery_date timestamptz,
  -- Calls to data sources that this creator has cost, ever.
  total_api_calls bigint not null default 0,

  -- [human], the six of them; review_status null: not reviewed.
  review_status text check (review_status in ('ok', 'non_related')),
  reviewed_at timestamptz,
  reviewed_by text,
  niche text,
  categories text[] not null default '{}',
  notes text,

  -- Of the tagging actor: `key:value`, and how sure it was, 0 to 1, by tag.
  body_tags text[] not null default '{}',
  tag_confidence jsonb,
  tags_analyzed_at timestamptz,
  model_version text,

  first_seen_at timestamptz not null default now(),
  -- Newest observation of any kind; null: only seen beside another one.
  last_scraped_at timestamptz,
  next_due_at timestamptz,
  last_run_id text
) with (fillfactor = 80);

create index instagram_creators_username on instagram_creators (lower(username), last_scraped_at desc nulls last);
create index instagram_creators_followers on instagram_creators (followers_count desc nulls last, ig_user_id);
create index instagram_creators_engagement on instagram_creators (engagement_rate desc nulls last, ig_user_id);
create index instagram_creators_growth on instagram_creators (follower_growth_rate_weekly desc nulls last, ig_user_id);
create index instagram_creators_last_post on instagram_creators (last_post_at desc nulls last, ig_user_id);
create index instagram_creators_review_followers
  on instagram_creators (review_status, followers_count desc nulls last, ig_user_id);
create index instagram_creators_review_engagement
  on instagram_creators (review_status, engagement_rate desc nulls last, ig_user_id);
create index instagram_creators_niche on instagram_creators (niche, followers_count desc nulls last, ig_user_id);
create index instagram_creators_tags on instagram_creators using gin (body_tags);
create index instagram_creators_search on instagram_creators
  using gin ((lower(coalesce(username, '') || ' ' || coalesce(full_name, ''))) gin_trgm_ops);
create index instagram_creators_scraped on instagram_creators (last_scraped_at desc nulls last, ig_user_id);
create index instagram_creators_due on instagram_creators (next_due_at) where next_due_at is not null;

create table instagram_creators_history (
  ig_user_id text collate "C" not null references instagram_creators on delete cascade,
  observed_at timestamptz not null,
  followers_count bigint,
  following_count bigint,
  media_count bigint,
  engagement_rate double precision,
  avg_reel_plays double precision,
  primary key (ig_user_id, observed_at)
);
alter table instagram_creators enable row level security;
alter table instagram_creators_history enable row level security;

create table instagram_posts (
  media_id text collate "C" primary key,
  shortcode text,
  ig_user_id text collate "C",
  product_type text,
  media_type smallint,
  taken_at timestamptz,
  caption_text text,
  hashtags text[],
  mentions text[],
  like_count bigint,
  comment_count bigint,
  likes_hidden boolean,
  likes_hidden_reason text,
  engagement_count bigint,
  engagement_rate double precision,
  thumbnail_url text,
  is_paid_partnership boolean,
  is_pinned boolean,
  video_duration double precision,
  reshare_count bigint,
  media_repost_count bigint,
  media jsonb,
  coauthors jsonb,
  tagged_users jsonb,
  sponsor_tags jsonb,
  location jsonb,
  audio jsonb,
  source text,
  post_type text,
  carousel_media_count integer,
  comments_disabled boolean,
  original_width integer,
  original_height integer,
  accessibility_caption text,
  view_count bigint,
  first_seen_at timestamptz not null default now(),
  -- Newest observation.
  last_scraped_at timestamptz not null default '-infinity',
  last_run_id text
) with (fillfactor = 90);

create index instagram_posts_creator on instagram_posts (ig_user_id, taken_at desc nulls last, media_id);
create index instagram_posts_taken on instagram_posts (taken_at desc nulls last, media_id);
create index instagram_posts_likes on instagram_posts (like_count desc nulls last, media_id);
create index instagram_posts_plays on instagram_posts (view_count desc nulls last, media_id);
create index instagram_posts_engagement on instagram_posts (engagement_rate desc nulls last, media_id);

create table instagram_posts_history (
  media_id text collate "C" not null,
  observed_at timestamptz not null,
  like_count bigint,
  comment_count bigint,
  view_count bigint,
  primary key (media_id, observed_at)
);
alter table instagram_posts enable row level security;
alter table instagram_posts_history enable row level security;

create table instagram_reels (
  media_id text collate "C" primary key,
  shortcode text,
  ig_user_id text collate "C",
  product_type text,
  media_type smallint,
  taken_at timestamptz,
  caption_text text,
  hashtags text[],
  mentions text[],
  like_count bigint,
  comment_count bigint,
  likes_hidden boolean,
  likes_hidden_reason text,
  engagement_count bigint,
  engagement_rate double precision,
  thumbnail_url text,
  is_paid_partnership boolean,
  is_pinned boolean,
  video_duration double precision,
  reshare_count bigint,
  media_repost_count bigint,
  media jsonb,
  coauthors jsonb,
  tagged_users jsonb,
  sponsor_tags jsonb,
  location jsonb,
  audio jsonb,
  source text,
  play_count bigint,
  ig_play_count bigint,
  video_view_count bigint,
  has_audio boolean,
  video_url text,
  first_seen_at timestamptz not null default now(),
  -- Newest observation.
  last_scraped_at timestamptz not null default '-infinity',
  last_run_id text
) with (fillfactor = 90);

create index instagram_reels_creator on instagram_reels (ig_user_id, taken_at desc nulls last, media_id);
create index instagram_reels_taken on instagram_reels (taken_at desc nulls last, media_id);
create index instagram_reels_plays on instagram_reels (play_count desc nulls last, media_id);
create index instagram_reels_likes on instagram_reels (like_count desc nulls last, media_id);
create index instagram_reels_engagement on instagram_reels (engagement_rate desc nulls last, media_id);

create table instagram_reels_history (
  media_id text collate "C" not null,
  observed_at timestamptz not null,
  play_count bigint,
  ig_play_count bigint,
  video_view_count bigint,
  like_count bigint,
  comment_count bigint,
  primary key (media_id, observed_at)
);
alter table instagram_reels enable row level security;
alter table instagram_reels_history enable row level security;

-- Whom Instagram shows beside whom: the newest list of each creator counts, older places stay with their time.
create table instagram_related (
  source_ig_user_id text collate "C" not null,
  target_ig_user_id text collate "C" not null,
  target_username text,
  -- Place in the list, from 1.
  rank integer,
  source text,
  observed_at timestamptz not null,
  last_run_id text,
  primary key (source_ig_user_id, target_ig_user_id)
);
create index instagram_related_target on instagram_related (target_ig_user_id);
alter table instagram_related enable row level security;
