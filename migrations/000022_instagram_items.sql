-- Items into Instagram's tables, as 000006 has it for Reddit's, and which creators a run should look at next.

insert into dataset_kinds (dataset, merge, upsert) values
  ('instagram_creators', 'merge', 'upsert_instagram_creators'),
  ('instagram_posts', 'first', 'upsert_instagram_posts'),
  ('instagram_reels', 'first', 'upsert_instagram_reels'),
  ('instagram_related', 'first', 'upsert_instagram_related');

-- When a creator is due again: ok daily, twice a day where they post more than once a day; not reviewed once, then
-- monthly; non_related never. What does not answer is asked again soon, until three observations at least an hour
-- apart agree.
create function creator_due_at(c instagram_creators) returns timestamptz language sql stable
  return case
    when c.review_status = 'non_related' then null
    when c.last_scraped_at is null then c.first_seen_at
    -- A private account's profile still tells its numbers.
    when c.availability not in ('ok', 'private') and c.availability_confirmations >= 3 then null
    when c.availability not in ('ok', 'private') then c.last_scraped_at + interval '2 hours'
    when c.review_status = 'ok' then c.last_scraped_at
      + case when c.posting_frequency_per_week >= 7 then interval '12 hours' else interval '1 day' end
    else c.last_scraped_at + interval '30 days'
  end;

create function set_creator_due() returns trigger language plpgsql set plan_cache_mode = auto as $$
begin
  new.next_due_at := creator_due_at(new);
  return new;
end $$;
create trigger set_due before insert or update on instagram_creators
  for each row execute function set_creator_due();

-- Followers that the history has for a time: those of the newest row by then.
create function followers_at(ig_user_id text, at timestamptz) returns bigint language sql stable
  return (
    select h.followers_count from instagram_creators_history h
    where h.ig_user_id = followers_at.ig_user_id and h.observed_at <= at and h.followers_count is not null
    order by h.observed_at desc limit 1);

-- Per cent that `now` is above `then`; null where that says nothing.
create function growth_rate(now bigint, "then" bigint) returns double precision language sql immutable
  return 100 * (now - "then")::double precision / nullif("then", 0);

create function last_post_of(ig_user_id text) returns timestamptz language sql stable
  return greatest(
    (select max(p.taken_at) from instagram_posts p where p.ig_user_id = last_post_of.ig_user_id),
    (select max(r.taken_at) from instagram_reels r where r.ig_user_id = last_post_of.ig_user_id));

create function upsert_instagram_creators(items jsonb[], run_id text) returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  metrics constant text[] := '{avg_post_likes, avg_post_comments, avg_post_engagement, avg_reel_likes, avg_reel_comments, avg_reel_engagement,
    avg_reel_plays, posts_engagement_rate, reels_engagement_rate, engagement_rate, reach_rate, viral_reels_count,
    posting_frequency_per_week, posting_consistency_score, days_since_last_post, best_posting_day, best_posting_hour,
    best_content_type, comment_like_ratio, reshare_like_ratio, top_hashtags, top_mentions, metrics_sample_size,
    metrics_posts_sample_size, metrics_reels_sample_size, metrics_window, metric_samples}';
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
      metrics_at = case when has_metrics then f.at else t.metrics_at end,
      last_post_at = greatest(t.last_post_at, last_post_of(t.ig_user_id)),
      known_until = case when has_metrics then greatest(t.last_post_at, last_post_of(t.ig_user_id))
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

-- Names that an account had, `now` left out, each once, in the order in which they were learned.
create function former_names(known text[], old text, told jsonb, now text) returns text[] language sql immutable as $$
  select coalesce(array_agg(name order by place), '{}') from (
    select name, min(place) as place
    from unnest(known || array(select jsonb_array_elements_text(told)) || old) with ordinality as n(name, place)
    where name is not null and lower(name) is distinct from lower(now) group by name) names
$$;

create function upsert_instagram_posts(items jsonb[], run_id text) returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
  insert into instagram_posts (media_id)
  select item->>'media_id' from unnest(items) as item order by item->>'media_id' collate "C"
  on conflict do nothing;

  with fresh as materialized (
    select jsonb_populate_record(b, item) as new, observed_at(item) as at
    from unnest(items) as item
    join instagram_posts b on b.media_id = item->>'media_id'
    where observed_at(item) >= b.last_scraped_at
  ), updated as (
    update instagram_posts t set
      shortcode = (f.new).shortcode, ig_user_id = (f.new).ig_user_id, product_type = (f.new).product_type,
      media_type = (f.new).media_type, taken_at = (f.new).taken_at, caption_text = (f.new).caption_text,
      hashtags = (f.new).hashtags, mentions = (f.new).mentions, like_count = (f.new).like_count,
      comment_count = (f.new).comment_count, likes_hidden = (f.new).likes_hidden,
      likes_hidden_reason = (f.new).likes_hidden_reason, engagement_count = (f.new).engagement_count,
      engagement_rate = (f.new).engagement_rate, thumbnail_url = (f.new).thumbnail_url,
      is_paid_partnership = (f.new).is_paid_partnership, is_pinned = (f.new).is_pinned,
      video_duration = (f.new).video_duration, reshare_count = (f.new).reshare_count,
      media_repost_count = (f.new).media_repost_count, media = (f.new).media, coauthors = (f.new).coauthors,
      tagged_users = (f.new).tagged_users, sponsor_tags = (f.new).sponsor_tags, location = (f.new).location,
      audio = (f.new).audio, source = (f.new).source, post_type = (f.new).post_type,
      carousel_media_count = (f.new).carousel_media_count, comments_disabled = (f.new).comments_disabled,
      original_width = (f.new).original_width, original_height = (f.new).original_height,
      accessibility_caption = (f.new).accessibility_caption, view_count = (f.new).view_count,
      last_scraped_at = f.at, last_run_id = upsert_instagram_posts.run_id
    from fresh f
    where t.media_id = (f.new).media_id
    returning t.media_id, f.at, t.like_count, t.comment_count, t.view_count
  )
  insert into instagram_posts_history (media_id, observed_at, like_count, comment_count, view_count)
  select u.* from updated u
  left join lateral (
    select * from instagram_posts_history h where h.media_id = u.media_id order by h.observed_at desc limit 1
  ) last on true
  where num_nonnulls(u.like_count, u.comment_count, u.view_count) > 0 and (last.media_id is null
    or u.at >= last.observed_at + interval '1 hour'
      and (u.like_count, u.comment_count, u.view_count)
        is distinct from (last.like_count, last.comment_count, last.view_count));

  perform note_last_post(items);
end $$;

create function upsert_instagram_reels(items jsonb[], run_id text) returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
  insert into instagram_reels (media_id)
  select item->>'media_id' from unnest(items) as item order by item->>'media_id' collate "C"
  on conflict do nothing;

  with fresh as materialized (
    select jsonb_populate_record(b, item) as new, observed_at(item) as at
    from unnest(items) as item
    join instagram_reels b on b.media_id = item->>'media_id'
    where observed_at(item) >= b.last_scraped_at
  ), updated as (
    update instagram_reels t set
      shortcode = (f.new).shortcode, ig_user_id = (f.new).ig_user_id, product_type = (f.new).product_type,
      media_type = (f.new).media_type, taken_at = (f.new).taken_at, caption_text = (f.new).caption_text,
      hashtags = (f.new).hashtags, mentions = (f.new).mentions, like_count = (f.new).like_count,
      comment_count = (f.new).comment_count, likes_hidden = (f.new).likes_hidden,
      likes_hidden_reason = (f.new).likes_hidden_reason, engagement_count = (f.new).engagement_count,
      engagement_rate = (f.new).engagement_rate, thumbnail_url = (f.new).thumbnail_url,
      is_paid_partnership = (f.new).is_paid_partnership, is_pinned = (f.new).is_pinned,
      video_duration = (f.new).video_duration, reshare_count = (f.new).reshare_count,
      media_repost_count = (f.new).media_repost_count, media = (f.new).media, coauthors = (f.new).coauthors,
      tagged_users = (f.new).tagged_users, sponsor_tags = (f.new).sponsor_tags, location = (f.new).location,
      audio = (f.new).audio, source = (f.new).source, play_count = (f.new).play_count,
      ig_play_count = (f.new).ig_play_count, video_view_count = (f.new).video_view_count,
      has_audio = (f.new).has_audio, video_url = (f.new).video_url,
      last_scraped_at = f.at, last_run_id = upsert_instagram_reels.run_id
    from fresh f
    where t.media_id = (f.new).media_id
    returning t.media_id, f.at, t.play_count, t.ig_play_count, t.video_view_count, t.like_count, t.comment_count
  )
  insert into instagram_reels_history (media_id, observed_at, play_count, ig_play_count, video_view_count, like_count, comment_count)
  select u.* from updated u
  left join lateral (
    select * from instagram_reels_history h where h.media_id = u.media_id order by h.observed_at desc limit 1
  ) last on true
  where num_nonnulls(u.play_count, u.ig_play_count, u.video_view_count, u.like_count, u.comment_count) > 0 and (last.media_id is null
    or u.at >= last.observed_at + interval '1 hour'
      and (u.play_count, u.ig_play_count, u.video_view_count, u.like_count, u.comment_count)
        is distinct from (last.play_count, last.ig_play_count, last.video_view_count, last.like_count, last.comment_count));

  perform note_last_post(items);
end $$;

-- Creators whose newest post or reel is among `items`.
create function note_last_post(items jsonb[]) returns void language sql as $$
  with newest as (
    select item->>'ig_user_id' as ig_user_id, max((item->>'taken_at')::timestamptz) as at
    from unnest(items) as item group by 1
  )
  update instagram_creators c set last_post_at = n.at
  from (select * from newest order by ig_user_id collate "C") n
  where c.ig_user_id = n.ig_user_id and n.at > coalesce(c.last_post_at, '-infinity')
$$;

-- Whoever is shown beside a creator becomes a row that nobody has reviewed.
create function upsert_instagram_related(items jsonb[], run_id text) returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
  insert into instagram_related as t (
    source_ig_user_id, target_ig_user_id, target_username, rank, source, observed_at, last_run_id)
  select item->>'source_ig_user_id', item->>'target_ig_user_id', item->>'target_username', (item->>'rank')::integer,
    item->>'source', observed_at(item), upsert_instagram_related.run_id
  from unnest(items) as item
  order by item->>'source_ig_user_id' collate "C", item->>'target_ig_user_id' collate "C"
  on conflict (source_ig_user_id, target_ig_user_id) do update set
    target_username = excluded.target_username, rank = excluded.rank, source = excluded.source,
    observed_at = excluded.observed_at, last_run_id = excluded.last_run_id
  where excluded.observed_at >= t.observed_at;

  insert into instagram_creators (
    ig_user_id, username, full_name, is_private, is_verified, profile_pic_url, discovery_source, discovery_date,
    last_run_id)
  select distinct on (item->>'target_ig_user_id' collate "C") item->>'target_ig_user_id', item->>'target_username',
    item->>'target_full_name', (item->>'target_is_private')::boolean, (item->>'target_is_verified')::boolean,
    item->>'target_profile_pic_url', 'related:' || (item->>'source_ig_user_id'), observed_at(item),
    upsert_instagram_related.run_id
  from unnest(items) as item
  order by item->>'target_ig_user_id' collate "C"
  on conflict do nothing;
end $$;

-- Follower counts against the newest history row that is at least that old; null where there is none.
create view instagram_creator_growth with (security_invoker = true) as
  select c.ig_user_id, c.username, c.followers_count, c.profile_at as observed_at,
    c.followers_count - d.followers as growth_24h, growth_rate(c.followers_count, d.followers) as growth_rate_daily,
    c.followers_count - w.followers as growth_7d, growth_rate(c.followers_count, w.followers) as growth_rate_weekly
  from instagram_creators c
  cross join lateral (select followers_at(c.ig_user_id, c.profile_at - interval '1 day') as followers) d
  cross join lateral (select followers_at(c.ig_user_id, c.profile_at - interval '7 days') as followers) w;

-- Creators are leased by their ids.
alter table work_leases drop constraint work_leases_kind_check,
  add constraint work_leases_kind_check check (kind in ('subreddit', 'user', 'post', 'creator'));

-- Creators that are due, the reviewed ones first, as the actor's input takes them: {ig_user_id, username,
-- newest_taken_at}. Without the last one nothing of theirs was read to its end.
create function due_creators(max integer, run_id text) returns setof jsonb
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
as $$
declare
  leased text[];
begin
  leased := lease_work('creator', array(
    (select c.ig_user_id from instagram_creators c
      where c.review_status = 'ok' and c.next_due_at <= now() and not is_leased('creator', c.ig_user_id)
      order by c.next_due_at limit max)
    union all
    (select c.ig_user_id from instagram_creators c
      where c.review_status is null and c.next_due_at <= now() and not is_leased('creator', c.ig_user_id)
      order by c.next_due_at limit max)
    limit max), run_id);
  return query
    select jsonb_strip_nulls(jsonb_build_object('ig_user_id', c.ig_user_id, 'username', c.username,
      'newest_taken_at', to_char(c.known_until at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
    from unnest(leased) as key
    cross join lateral (select * from instagram_creators r where r.ig_user_id = key limit 1) c
    order by c.review_status nulls last, c.next_due_at;
end $$;

select count_rows_of('instagram_creators'), count_rows_of('instagram_posts'), count_rows_of('instagram_reels');
