-- Figures of a creator may be over lists whose end could not be read: what came of them counts, and the row says so.
alter table instagram_creators
  -- Of `posts` and `reels` those that may have more than the figures are over; null without any.
  add column metrics_uncertain_lists text[];

-- As before, with that column.
create or replace function upsert_instagram_creators(items jsonb[], run_id text) returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  metrics constant text[] := '{avg_post_likes, avg_post_comments, avg_post_engagement, avg_reel_likes, avg_reel_comments, avg_reel_engagement,
    avg_reel_plays, posts_engagement_rate, reels_engagement_rate, engagement_rate, reach_rate, viral_reels_count,
    posting_frequency_per_week, posting_consistency_score, days_since_last_post, best_posting_day, best_posting_hour,
    best_content_type, comment_like_ratio, reshare_like_ratio, top_hashtags, top_mentions, metrics_sample_size,
    metrics_posts_sample_size, metrics_reels_sample_size, metrics_window, metric_samples,
    metrics_uncertain_lists}';
  availability constant text[] := '{availability,availability_reason}';
  others constant text[] := metrics || availability
    || '{ig_user_id,previous_usernames,metrics_at,api_calls,observed_at,source}';
begin
  insert into instagram_creators (ig_user_id)
  select item->>'ig_user_id' from unnest(items) as item order by item->>'ig_user_id' collate "C"
  on conflict do nothing;

  with observed as materialized (
    select b as old, item, observed_at(item) as at,
      item ?| metrics and observed_at(item) >= coalesce(b.metrics_at, '-infinity') as has_metrics,
      item ? 'availability' and observed_at(item) >= coalesce(b.availability_at, '-infinity') as has_availability,
      item - others <> '{}' and observed_at(item) >= coalesce(b.profile_at, '-infinity') as has_profile
    from unnest(items) as item
    join instagram_creators b on b.ig_user_id = item->>'ig_user_id'
  ), fresh as materialized (
    select *, jsonb_populate_record(old, item - '{previous_usernames,metrics_at}'::text[]
      - case when has_metrics then '{}' else metrics end
      - case when has_availability then '{}' else availability end
      - case when has_profile then '{}' else array(select jsonb_object_keys(item - others)) end) as new
    from observed
  ), updated as (
    update instagram_creators t set
      username = (f.new).username, full_name = (f.new).full_name, biography = (f.new).biography,
      external_url = (f.new).external_url, external_url_type = (f.new).external_url_type,
      bio_links = (f.new).bio_links, profile_pic_url = (f.new).profile_pic_url,
      profile_pic_url_hd = (f.new).profile_pic_url_hd, is_private = (f.new).is_private,
      is_verified = (f.new).is_verified, is_business_account = (f.new).is_business_account,
      is_professional_account = (f.new).is_professional_account, is_joined_recently = (f.new).is_joined_recently,
      category_name = (f.new).category_name, has_clips = (f.new).has_clips,
      highlight_reel_count = (f.new).highlight_reel_count, followers_count = (f.new).followers_count,
      following_count = (f.new).following_count, media_count = (f.new).media_count,
      -- The names that were seen here, and those that the run knew of.
      previous_usernames = case when has_profile then former_names(t.previous_usernames, t.username,
        item->'previous_usernames', (f.new).username) else t.previous_usernames end,
      profile_at = case when has_profile then f.at else t.profile_at end,
      follower_growth_rate_daily = case when has_profile and item ? 'followers_count' then
        growth_rate((f.new).followers_count, followers_at(t.ig_user_id, f.at - interval '1 day'))
        else t.follower_growth_rate_daily end,
      follower_growth_rate_weekly = case when has_profile and item ? 'followers_count' then
        growth_rate((f.new).followers_count, followers_at(t.ig_user_id, f.at - interval '7 days'))
        else t.follower_growth_rate_weekly end,
      avg_post_likes = (f.new).avg_post_likes, avg_post_comments = (f.new).avg_post_comments,
      avg_post_engagement = (f.new).avg_post_engagement, avg_reel_likes = (f.new).avg_reel_likes,
      avg_reel_comments = (f.new).avg_reel_comments, avg_reel_engagement = (f.new).avg_reel_engagement,
      avg_reel_plays = (f.new).avg_reel_plays, posts_engagement_rate = (f.new).posts_engagement_rate,
      reels_engagement_rate = (f.new).reels_engagement_rate, engagement_rate = (f.new).engagement_rate,
      reach_rate = (f.new).reach_rate, viral_reels_count = (f.new).viral_reels_count,
      posting_frequency_per_week = (f.new).posting_frequency_per_week,
      posting_consistency_score = (f.new).posting_consistency_score,
      days_since_last_post = (f.new).days_since_last_post, best_posting_day = (f.new).best_posting_day,
      best_posting_hour = (f.new).best_posting_hour, best_content_type = (f.new).best_content_type,
      comment_like_ratio = (f.new).comment_like_ratio, reshare_like_ratio = (f.new).reshare_like_ratio,
      top_hashtags = (f.new).top_hashtags, top_mentions = (f.new).top_mentions,
      metrics_sample_size = (f.new).metrics_sample_size,
      metrics_posts_sample_size = (f.new).metrics_posts_sample_size,
      metrics_reels_sample_size = (f.new).metrics_reels_sample_size, metrics_window = (f.new).metrics_window,
      metric_samples = (f.new).metric_samples,
      metrics_uncertain_lists = (f.new).metrics_uncertain_lists,
      metrics_at = case when has_metrics then f.at else t.metrics_at end,
      last_post_at = greatest(t.last_post_at, last_post_of(t.ig_user_id)),
      -- Behind a list whose end was not read, there may be more that is not known.
      known_until = case when has_metrics and (f.new).metrics_uncertain_lists is null
        then greatest(t.last_post_at, last_post_of(t.ig_user_id))
        else t.known_until end,
      availability = (f.new).availability, availability_reason = (f.new).availability_reason,
      availability_since = case when has_availability then a.since else t.availability_since end,
      availability_confirmations = case when has_availability then a.confirmations else t.availability_confirmations end,
      availability_confirmed_at = case when has_availability then a.confirmed_at else t.availability_confirmed_at end,
      availability_at = case when has_availability then f.at else t.availability_at end,
      total_api_calls = t.total_api_calls + coalesce((item->>'api_calls')::bigint, 0),
      last_scraped_at = greatest(t.last_scraped_at, f.at),
      last_run_id = upsert_instagram_creators.run_id
    from fresh f
    cross join lateral confirm((f.old).availability, (f.old).availability_since, (f.old).availability_confirmations,
      (f.old).availability_confirmed_at, (f.new).availability, f.at) as a
    where t.ig_user_id = (f.old).ig_user_id
    returning t.ig_user_id, f.at, t.followers_count, t.following_count, t.media_count, t.engagement_rate, t.avg_reel_plays
  )
  insert into instagram_creators_history (
    ig_user_id, observed_at, followers_count, following_count, media_count, engagement_rate, avg_reel_plays)
  select u.* from updated u
  left join lateral (
    select * from instagram_creators_history h where h.ig_user_id = u.ig_user_id order by h.observed_at desc limit 1
  ) last on true
  where num_nonnulls(u.followers_count, u.media_count, u.engagement_rate) > 0 and (last.ig_user_id is null
    or u.at >= last.observed_at + interval '1 hour'
      and (u.followers_count, u.following_count, u.media_count, u.engagement_rate, u.avg_reel_plays)
        is distinct from (last.followers_count, last.following_count, last.media_count, last.engagement_rate,
          last.avg_reel_plays));
end $$;

-- What a site serves one at a time to a client, whichever process asks.
create table turnstiles (
  -- Client and endpoint.
  name text primary key,
  -- The process that is in it, until then; null when nobody is.
  owner text,
  held_until timestamptz not null default '-infinity',
  -- The site has refused: nobody goes in before this.
  closed_until timestamptz not null default '-infinity'
) with (fillfactor = 50);
alter table turnstiles enable row level security;

-- `ask`: {take: true, leaseMs} to go in or to stay, {take: false, closeMs} to leave, and to shut it for so long.
-- Answers {isTaken, retryInMs}: where it is not taken, ask again after `retryInMs`.
create function turnstile_turn(turnstile text, owner text, ask jsonb) returns jsonb
language plpgsql as $$
declare
  t turnstiles;
  at timestamptz;
  is_mine boolean;
begin
  insert into turnstiles (name) values (turnstile) on conflict do nothing;
  select * into t from turnstiles where name = turnstile for update;
  -- Whoever had to wait for the row has a later time than its transaction began with.
  at := clock_timestamp();
  is_mine := t.owner is not distinct from turnstile_turn.owner;
  if not (ask->>'take')::boolean then
    t.closed_until := greatest(t.closed_until, at + (ask->>'closeMs')::double precision * interval '1 ms');
    if is_mine then
      t.owner := null;
      t.held_until := '-infinity';
    end if;
  elsif is_mine or t.held_until <= at and t.closed_until <= at then
    is_mine := true;
    t.owner := turnstile_turn.owner;
    t.held_until := at + (ask->>'leaseMs')::double precision * interval '1 ms';
  end if;
  update turnstiles u set owner = t.owner, held_until = t.held_until, closed_until = t.closed_until
  where u.name = turnstile;
  return jsonb_build_object(
    'isTaken', is_mine and (ask->>'take')::boolean,
    -- Whoever is in it may leave at any time.
    'retryInMs', case when not is_mine then
      greatest(ms_between(greatest(t.closed_until, at), at), least(ms_between(greatest(t.held_until, at), at), 100), 20) end);
end $$;
