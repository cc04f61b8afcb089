-- Work lists: which subreddits, users and posts a run should look at next. What is handed out is leased to the run,
-- so that no other run takes it; the lease ends with the run, however that ends, or after a day.

create table work_leases (
  kind text not null check (kind in ('subreddit', 'user', 'post')),
  -- lower(name), or the post's id.
  key text not null,
  run_id text not null,
  leased_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '1 day',
  primary key (kind, key)
);
create index work_leases_run on work_leases (run_id);
alter table work_leases enable row level security;

-- Leases `keys` to the run; those that another run has meanwhile are left out. In the order of their keys, so that
-- two runs that ask at once do not wait crosswise.
create function lease_work(kind text, keys text[], run_id text) returns text[]
language sql as $$
  with leased as (
    insert into work_leases as t (kind, key, run_id)
    select lease_work.kind, key, lease_work.run_id from unnest(keys) as key order by key
    on conflict on constraint work_leases_pkey do update
      set run_id = excluded.run_id, leased_at = excluded.leased_at, expires_at = excluded.expires_at
      where t.expires_at <= now()
    returning key
  )
  select coalesce(array_agg(key), '{}') from leased
$$;

create function is_leased(kind text, key text) returns boolean language sql stable
  return exists (
    select from work_leases w where w.kind = is_leased.kind and w.key = is_leased.key and w.expires_at > now());

-- Names of subreddits that are due, the longest overdue first.
create function due_subreddits(max integer, run_id text) returns setof text
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  leased text[];
begin
  leased := lease_work('subreddit', array(
    select lower(s.name) from reddit_subreddits s
    where s.next_due_at <= now() and not is_leased('subreddit', lower(s.name))
    order by s.next_due_at limit max), run_id);
  return query
    select s.name from unnest(leased) as key join reddit_subreddits s on lower(s.name) = key order by s.next_due_at;
end $$;

-- Names of users that are due, ours first.
create function due_users(max integer, run_id text) returns setof text
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  leased text[];
begin
  leased := lease_work('user', array(
    (select lower(u.username) from reddit_users u
      where u.our_creator and u.next_due_at <= now() and not is_leased('user', lower(u.username))
      order by u.next_due_at limit max)
    union all
    (select lower(u.username) from reddit_users u
      where not u.our_creator and u.next_due_at <= now() and not is_leased('user', lower(u.username))
      order by u.next_due_at limit max)
    limit max), run_id);
  return query
    select u.username from unnest(leased) as key join reddit_users u on lower(u.username) = key
    order by u.our_creator desc, u.next_due_at;
end $$;

-- Fullnames (`t3_…`) of posts to look at again, for `/api/info`, 100 a call.
create function recheck_posts(max integer, run_id text) returns setof text
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
  return query select 't3_' || key from unnest(lease_work('post', array(
    select p.reddit_id from reddit_posts p
    where p.next_due_at <= now() and not is_leased('post', p.reddit_id)
    order by p.next_due_at limit max), run_id)) as key;
end $$;

create function release_work(run_id text) returns void language sql as $$
  delete from work_leases w where w.run_id = release_work.run_id
$$;

-- However a run ends, it ends by this row.
create function end_run() returns trigger language plpgsql as $$
begin
  if is_final(new.status) then
    new.finished_at := coalesce(new.finished_at, now());
    perform release_work(new.id);
  else
    new.finished_at := null;
  end if;
  return new;
end $$;
create trigger end_run before update of status on runs for each row execute function end_run();
