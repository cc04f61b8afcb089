-- What is computed from the tables, each formula once.

-- Subscribers won or lost before the last observation, against the newest history row that is at least that old;
-- null where there is none.
create view reddit_subreddit_growth with (security_invoker = true) as
  select s.id, s.name, s.subscribers, s.about_at as observed_at,
    s.subscribers - subscribers_at(s.id, s.about_at - interval '1 day') as growth_24h,
    s.subscribers - subscribers_at(s.id, s.about_at - interval '7 days') as growth_7d,
    s.subscribers - subscribers_at(s.id, s.about_at - interval '30 days') as growth_30d
  from reddit_subreddits s;

-- How fast a post rose in its first day: score and comments at the last observation in it, and the score an hour
-- until then.
create view reddit_post_velocity with (security_invoker = true) as
  select p.reddit_id, p.created_utc, h.observed_at, h.score, h.num_comments,
    h.score / greatest(extract(epoch from h.observed_at - p.created_utc) / 3600, 0.1)::double precision as score_per_hour
  from reddit_posts p
  join lateral (
    select * from reddit_posts_history h
    where h.reddit_id = p.reddit_id and h.observed_at <= p.created_utc + interval '1 day'
    order by h.observed_at desc limit 1
  ) h on true;

-- The best posts of the last hours in subreddits reviewed Ok, at most `per_subreddit` of each.
create function viral_posts(window_hours integer default 72, per_subreddit integer default 3, max integer default 50)
returns table (reddit_id text, viral_rank double precision)
language sql stable as $$
  with ranked as (
    select p.reddit_id, lower(p.subreddit_name) as subreddit,
      0.35 * least(10, p.score / 100.0)
      + 0.35 * least(10, 100.0 * p.num_comments / greatest(1, p.score))
      + 0.1 * least(10, p.score / greatest(1, age.hours))
      + 0.2 * greatest(0, 1 - age.hours / window_hours) as viral_rank
    from reddit_posts p
    join reddit_subreddits s on lower(s.name) = lower(p.subreddit_name) and s.review = 'Ok'
    cross join lateral (select extract(epoch from now() - p.created_utc)::double precision / 3600 as hours) age
    where p.created_utc > now() - make_interval(hours => window_hours) and p.deleted_at is null
  ), placed as (
    select r.reddit_id, r.viral_rank::double precision,
      row_number() over (partition by r.subreddit order by r.viral_rank desc, r.reddit_id) as place
    from ranked r
  )
  select r.reddit_id, r.viral_rank from placed r where place <= per_subreddit
  order by r.viral_rank desc, r.reddit_id limit max
$$;

-- The public surface for looking into queues: what a run's requests are doing.
create view request_states with (security_invoker = true) as
  select r.id as run_id, q.id, q.url, q.label,
    case when q.state = 'delayed' and q.not_before <= now() or q.state = 'leased' and q.lease_expires_at <= now()
      then 'pending' else q.state end as state,
    q.attempt, cardinality(q.error_messages) as retry_count, q.error_messages[cardinality(q.error_messages)] as last_error,
    q.lease_owner, q.lease_expires_at, q.not_before, q.added_at, q.settled_at, q.forefront, q.priority, q.place
  from requests q join runs r on r.number = q.run_number;
