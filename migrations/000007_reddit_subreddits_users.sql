-- Subreddits and users: facts about one of them come from several answers, in groups that age apart from each other.

-- When a subreddit is due again: Ok often, not reviewed and No Seller sometimes, the others never; sooner where much
-- happens. What does not answer is asked again soon, until three observations at least an hour apart agree.
create function subreddit_due_at(s reddit_subreddits) returns timestamptz language sql stable
  return case
    when s.review in ('Non Related', 'User Feed', 'Banned') then null
    when s.last_scraped_at is null then s.first_seen_at
    when s.availability <> 'ok' and s.availability_confirmations >= 3 then null
    when s.availability <> 'ok' then s.last_scraped_at + interval '2 hours'
    else s.last_scraped_at
      + case when s.review = 'Ok' then interval '1 day' else interval '7 days' end
      / case when s.avg_upvotes_per_post + s.avg_comments_per_post >= 1000 then 4
             when s.avg_upvotes_per_post + s.avg_comments_per_post >= 100 then 2 else 1 end
  end;

create function user_due_at(u reddit_users) returns timestamptz language sql stable
  return case
    when u.status in ('inactive', 'suspended') then null
    when u.last_scraped_at is null then u.first_seen_at
    when u.availability <> 'ok' and u.availability_confirmations >= 3 then null
    when u.availability <> 'ok' then u.last_scraped_at + interval '2 hours'
    else u.last_scraped_at + case when u.our_creator then interval '1 day' else interval '30 days' end
  end;

-- Whoever writes the row, a scraper or a person: its next time follows from it.
create function set_subreddit_due() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' and new.review is null and new.name ilike 'u\_%' then new.review := 'User Feed'; end if;
  new.next_due_at := subreddit_due_at(new);
  return new;
end $$;
create trigger set_due before insert or update on reddit_subreddits
  for each row execute function set_subreddit_due();

create function set_user_due() returns trigger language plpgsql as $$
begin
  new.next_due_at := user_due_at(new);
  return new;
end $$;
create trigger set_due before insert or update on reddit_users
  for each row execute function set_user_due();

-- Words that speak against a subreddit. From a sum of weights of 1 on, it is suggested as Non Related to whoever
-- reviews; only a person sets `review`. A term matches whole words, in any case; edit the table as you learn.
create table review_keywords (
  term text primary key check (term = lower(term) and term ~ '^\w(.*\w)?$'),
  weight real not null check (weight > 0)
);
alter table review_keywords enable row level security;
insert into review_keywords (term, weight)
select term, 1 from unnest(array['politics', 'political', 'programming', 'cryptocurrency', 'bitcoin', 'stocks',
  'football club', 'baseball team', 'hockey team', 'basketball team', 'video game', 'board games', 'homework help',
  'job postings', 'tech support', 'legal advice', 'for hire', 'anime series', 'tv series', 'sports betting']) term
union all
select term, 0.5 from unnest(array['news', 'game', 'games', 'gaming', 'server', 'mod', 'mods', 'software', 'linux',
  'windows', 'science', 'history', 'football', 'soccer', 'basketball', 'baseball', 'hockey', 'esports', 'anime',
  'manga', 'movie', 'movies', 'film', 'recipes', 'gardening', 'university', 'college', 'religion']) term;

create function suggest_review(texts text, out suggestion text, out terms text[])
language sql stable as $$
  with pattern as (
    select '\m(' || string_agg(regexp_replace(term, '([^\w\s])', '\\\1', 'g'), '|' order by length(term) desc) || ')\M' as re
    from review_keywords
  ), matched as (
    select distinct k.term, k.weight
    from pattern, regexp_matches(lower(texts), re, 'g') as m
    join review_keywords k on k.term = m[1]
  )
  select case when sum(weight) >= 1 then 'Non Related' end,
    case when sum(weight) >= 1 then array_agg(term order by weight desc, term) end
  from matched
$$;

-- Subscribers that the history has for a time: those of the newest row by then.
create function subscribers_at(subreddit_id integer, at timestamptz) returns integer language sql stable
  return (
    select h.subscribers from reddit_subreddits_history h
    where h.subreddit_id = subscribers_at.subreddit_id and h.observed_at <= at and h.subscribers is not null
    order by h.observed_at desc limit 1);

create function upsert_reddit_subreddits(items jsonb[], run_id text) returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  rules constant text[] := '{rules_data,verification_required,verification_evidence}';
  metrics constant text[] := '{engagement,subreddit_score,avg_upvotes_per_post,avg_comments_per_post,best_posting_day,
    best_posting_hour,top_content_type,image_post_avg_score,video_post_avg_score,text_post_avg_score,
    link_post_avg_score,gallery_post_avg_score,content_type_shares,metrics_sample_size,metrics_window,
    metrics_reason,score_version,metrics_at}';
  requirements constant text[] := '{min_account_age_days,min_comment_karma,min_post_karma,requirement_sample_size,
    requirement_reason}';
  availability constant text[] := '{availability,availability_reason}';
  others constant text[] := rules || metrics || requirements || availability || '{name,observed_at,source}';
begin
  insert into reddit_subreddits as t (name)
  select item->>'name' from unnest(items) as item order by lower(item->>'name')
  on conflict (lower(name)) do update set name = t.name where false;

  with observed as materialized (
    select b as old, item, observed_at(item) as at,
      item ?| rules and observed_at(item) >= coalesce(b.rules_at, '-infinity') as has_rules,
      item ?| metrics and observed_at(item) >= coalesce(b.metrics_at, '-infinity') as has_metrics,
      item ?| requirements and observed_at(item) >= coalesce(b.requirements_at, '-infinity') as has_requirements,
      item ? 'availability' and observed_at(item) >= coalesce(b.availability_at, '-infinity') as has_availability,
      item - others <> '{}' and observed_at(item) >= coalesce(b.about_at, '-infinity') as has_about
    from unnest(items) as item
    join reddit_subreddits b on lower(b.name) = lower(item->>'name')
  ), fresh as materialized (
    select *, jsonb_populate_record(old, item
      - case when has_rules then '{}' else rules end
      - case when has_metrics then '{}' else metrics end
      - case when has_requirements then '{}' else requirements end
      - case when has_availability then '{}' else availability end
      - case when has_about then '{}' else array(select jsonb_object_keys(item - others)) || 'name'::text end) as new
    from observed
  ), updated as (
    update reddit_subreddits t set
      name = (f.new).name, reddit_id = (f.new).reddit_id, display_name_prefixed = (f.new).display_name_prefixed,
      title = (f.new).title, description = (f.new).description, public_description = (f.new).public_description,
      subscribers = (f.new).subscribers, created_utc = (f.new).created_utc, over18 = (f.new).over18,
      subreddit_type = (f.new).subreddit_type, url = (f.new).url, lang = (f.new).lang,
      submission_type = (f.new).submission_type, submit_text = (f.new).submit_text,
      submit_text_html = (f.new).submit_text_html, allow_images = (f.new).allow_images,
      allow_videos = (f.new).allow_videos, allow_polls = (f.new).allow_polls,
      spoilers_enabled = (f.new).spoilers_enabled, wiki_enabled = (f.new).wiki_enabled,
      is_quarantined = (f.new).is_quarantined, link_flair_enabled = (f.new).link_flair_enabled,
      link_flair_position = (f.new).link_flair_position, user_flair_enabled_in_sr = (f.new).user_flair_enabled_in_sr,
      user_flair_position = (f.new).user_flair_position, icon_img = (f.new).icon_img,
      banner_img = (f.new).banner_img, community_icon = (f.new).community_icon, header_img = (f.new).header_img,
      mobile_banner_image = (f.new).mobile_banner_image, banner_background_color = (f.new).banner_background_color,
      primary_color = (f.new).primary_color, key_color = (f.new).key_color,
      advertiser_category = (f.new).advertiser_category,
      allowed_media_in_comments = (f.new).allowed_media_in_comments, restrict_posting = (f.new).restrict_posting,
      accept_followers = (f.new).accept_followers,
      about_at = case when has_about then f.at else t.about_at end,
      rules_data = (f.new).rules_data, verification_required = (f.new).verification_required,
      verification_evidence = (f.new).verification_evidence,
      rules_at = case when has_rules then f.at else t.rules_at end,
      engagement = (f.new).engagement, subreddit_score = (f.new).subreddit_score,
      avg_upvotes_per_post = (f.new).avg_upvotes_per_post, avg_comments_per_post = (f.new).avg_comments_per_post,
      best_posting_day = (f.new).best_posting_day, best_posting_hour = (f.new).best_posting_hour,
      top_content_type = (f.new).top_content_type, image_post_avg_score = (f.new).image_post_avg_score,
      video_post_avg_score = (f.new).video_post_avg_score, text_post_avg_score = (f.new).text_post_avg_score,
      link_post_avg_score = (f.new).link_post_avg_score, gallery_post_avg_score = (f.new).gallery_post_avg_score,
      content_type_shares = (f.new).content_type_shares, metrics_sample_size = (f.new).metrics_sample_size,
      metrics_window = (f.new).metrics_window, metrics_reason = (f.new).metrics_reason,
      score_version = (f.new).score_version,
      metrics_at = case when has_metrics then f.at else t.metrics_at end,
      min_account_age_days = (f.new).min_account_age_days, min_comment_karma = (f.new).min_comment_karma,
      min_post_karma = (f.new).min_post_karma, requirement_sample_size = (f.new).requirement_sample_size,
      requirement_reason = (f.new).requirement_reason,
      requirements_at = case when has_requirements then f.at else t.requirements_at end,
      availability = (f.new).availability, availability_reason = (f.new).availability_reason,
      availability_since = case when has_availability then a.since else t.availability_since end,
      availability_confirmations = case when has_availability then a.confirmations else t.availability_confirmations end,
      availability_confirmed_at = case when has_availability then a.confirmed_at else t.availability_confirmed_at end,
      availability_at = case when has_availability then f.at else t.availability_at end,
      growth_24h = case when has_about then (f.new).subscribers - subscribers_at(t.id, f.at - interval '1 day')
        else t.growth_24h end,
      growth_7d = case when has_about then (f.new).subscribers - subscribers_at(t.id, f.at - interval '7 days')
        else t.growth_7d end,
      growth_30d = case when has_about then (f.new).subscribers - subscribers_at(t.id, f.at - interval '30 days')
        else t.growth_30d end,
      review_suggestion = case when has_about and t.review is null then s.suggestion else t.review_suggestion end,
      review_suggestion_terms = case when has_about and t.review is null then s.terms
        else t.review_suggestion_terms end,
      last_scraped_at = greatest(t.last_scraped_at, f.at),
      last_run_id = upsert_reddit_subreddits.run_id
    from fresh f
    cross join lateral confirm((f.old).availability, (f.old).availability_since, (f.old).availability_confirmations,
      (f.old).availability_confirmed_at, (f.new).availability, f.at) as a
    cross join lateral suggest_review(case when has_about and (f.old).review is null then
      concat_ws(' ', (f.new).name, (f.new).title, (f.new).public_description) end) as s
    where t.id = (f.old).id
    returning t.id, f.at, t.subscribers, t.avg_upvotes_per_post, t.avg_comments_per_post, t.engagement, t.subreddit_score
  )
  insert into reddit_subreddits_history (
    subreddit_id, observed_at, subscribers, avg_upvotes_per_post, avg_comments_per_post, engagement, subreddit_score)
  select u.* from updated u
  left join lateral (
    select * from reddit_subreddits_history h where h.subreddit_id = u.id order by h.observed_at desc limit 1
  ) last on true
  where num_nonnulls(u.subscribers, u.avg_upvotes_per_post) > 0 and (last.subreddit_id is null
    or u.at >= last.observed_at + interval '1 hour'
      and (u.subscribers, u.avg_upvotes_per_post, u.avg_comments_per_post, u.engagement, u.subreddit_score)
        is distinct from (last.subscribers, last.avg_upvotes_per_post, last.avg_comments_per_post, last.engagement,
          last.subreddit_score));
end $$;

-- Counts the observations of one availability that are at least an hour apart.
create function confirm(
  old text, old_since timestamptz, old_confirmations integer, old_confirmed_at timestamptz, new text, at timestamptz,
  out since timestamptz, out confirmations integer, out confirmed_at timestamptz
) language sql immutable as $$
  select case when old is distinct from new then at else old_since end,
    case when old is distinct from new then 1
      when at >= old_confirmed_at + interval '3600 s' then old_confirmations + 1 else old_confirmations end,
    case when old is distinct from new or at >= old_confirmed_at + interval '3600 s' then at else old_confirmed_at end
$$;

create function upsert_reddit_users(items jsonb[], run_id text) returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  metrics constant text[] := '{avg_post_score,avg_post_comments,total_posts_analyzed,preferred_content_type,
    most_active_posting_hour,most_active_posting_day,primary_subreddits,history_hidden}';
  availability constant text[] := '{availability,availability_reason}';
  others constant text[] := metrics || availability || '{username,observed_at,source}';
begin
  insert into reddit_users as t (username)
  select item->>'username' from unnest(items) as item order by lower(item->>'username')
  on conflict (lower(username)) do update set username = t.username where false;

  with observed as materialized (
    select b as old, item, observed_at(item) as at,
      item ?| metrics and observed_at(item) >= coalesce(b.metrics_at, '-infinity') as has_metrics,
      item ? 'availability' and observed_at(item) >= coalesce(b.availability_at, '-infinity') as has_availability,
      item - others <> '{}' and observed_at(item) >= coalesce(b.profile_at, '-infinity') as has_profile
    from unnest(items) as item
    join reddit_users b on lower(b.username) = lower(item->>'username')
  ), fresh as materialized (
    select *, jsonb_populate_record(old, item
      - case when has_metrics then '{}' else metrics end
      - case when has_availability then '{}' else availability end
      - case when has_profile then '{}' else array(select jsonb_object_keys(item - others)) || 'username'::text end) as new
    from observed
  ), updated as (
    update reddit_users t set
      username = (f.new).username, reddit_id = (f.new).reddit_id, created_utc = (f.new).created_utc,
      comment_karma = (f.new).comment_karma, link_karma = (f.new).link_karma,
      -- Calls for many accounts at once do not tell the sum.
      total_karma = case when has_profile and not item ? 'total_karma' and item ?& '{comment_karma,link_karma}' then
        (f.new).comment_karma + (f.new).link_karma + coalesce(t.awardee_karma, 0) + coalesce(t.awarder_karma, 0)
        else (f.new).total_karma end,
      awardee_karma = (f.new).awardee_karma, awarder_karma = (f.new).awarder_karma,
      is_employee = (f.new).is_employee, is_mod = (f.new).is_mod, is_gold = (f.new).is_gold,
      verified = (f.new).verified, has_verified_email = (f.new).has_verified_email,
      is_suspended = (f.new).is_suspended, icon_img = (f.new).icon_img, accept_followers = (f.new).accept_followers,
      subreddit_display_name = (f.new).subreddit_display_name, subreddit_title = (f.new).subreddit_title,
      subreddit_subscribers = (f.new).subreddit_subscribers, subreddit_over_18 = (f.new).subreddit_over_18,
      subreddit_banner_img = (f.new).subreddit_banner_img, bio = (f.new).bio, bio_url = (f.new).bio_url,
      karma_per_day = (f.new).karma_per_day, username_quality_score = (f.new).username_quality_score,
      age_quality_score = (f.new).age_quality_score, karma_quality_score = (f.new).karma_quality_score,
      overall_user_score = (f.new).overall_user_score,
      profile_at = case when has_profile then f.at else t.profile_at end,
      avg_post_score = (f.new).avg_post_score, avg_post_comments = (f.new).avg_post_comments,
      total_posts_analyzed = (f.new).total_posts_analyzed, preferred_content_type = (f.new).preferred_content_type,
      most_active_posting_hour = (f.new).most_active_posting_hour,
      most_active_posting_day = (f.new).most_active_posting_day, primary_subreddits = (f.new).primary_subreddits,
      history_hidden = (f.new).history_hidden,
      metrics_at = case when has_metrics then f.at else t.metrics_at end,
      availability = (f.new).availability, availability_reason = (f.new).availability_reason,
      availability_since = case when has_availability then a.since else t.availability_since end,
      availability_confirmations = case when has_availability then a.confirmations else t.availability_confirmations end,
      availability_confirmed_at = case when has_availability then a.confirmed_at else t.availability_confirmed_at end,
      availability_at = case when has_availability then f.at else t.availability_at end,
      last_scraped_at = greatest(t.last_scraped_at, f.at),
      last_run_id = upsert_reddit_users.run_id
    from fresh f
    cross join lateral confirm((f.old).availability, (f.old).availability_since, (f.old).availability_confirmations,
      (f.old).availability_confirmed_at, (f.new).availability, f.at) as a
    where t.id = (f.old).id
    returning t.id, f.at, t.total_karma, t.link_karma, t.comment_karma
  )
  insert into reddit_users_history (user_id, observed_at, total_karma, link_karma, comment_karma)
  select u.* from updated u
  left join lateral (
    select * from reddit_users_history h where h.user_id = u.id order by h.observed_at desc limit 1
  ) last on true
  where num_nonnulls(u.total_karma, u.link_karma, u.comment_karma) > 0 and (last.user_id is null
    or u.at >= last.observed_at + interval '1 hour'
      and (u.total_karma, u.link_karma, u.comment_karma)
        is distinct from (last.total_karma, last.link_karma, last.comment_karma));
end $$;

-- A subreddit that was seen becomes a row of its own, and is due.
create function upsert_reddit_discoveries(items jsonb[], run_id text) returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
  insert into reddit_discoveries (name, seen_in, run_id, source, observed_at)
  select item->>'name', item->>'seen_in', upsert_reddit_discoveries.run_id, item->>'source', observed_at(item)
  from unnest(items) as item order by lower(item->>'name'), lower(item->>'seen_in')
  on conflict do nothing;
  insert into reddit_subreddits (name, last_run_id)
  select distinct on (lower(item->>'name')) item->>'name', upsert_reddit_discoveries.run_id
  from unnest(items) as item
  where not exists (select from reddit_subreddits s where lower(s.name) = lower(item->>'name'))
  order by lower(item->>'name')
  on conflict do nothing;
end $$;
