-- Work lists are read by their indexes, whatever statistics say: a young database has none, and a session keeps its
-- plans while a table grows.

-- In PL/pgSQL, so that it is asked key by key, by its index: the planner would rather compare with all leases.
create or replace function is_leased(kind text, key text) returns boolean language plpgsql stable as $$
begin
  return exists (
    select from work_leases w where w.kind = is_leased.kind and w.key = is_leased.key and w.expires_at > now());
end $$;

-- Both in the collation of posts' ids: with one of them, a function compares all its texts by it, and could not use the
-- index of another.
alter table work_leases
  alter column kind type text collate "C",
  alter column key type text collate "C";

-- Planned once, also when an upsert that is planned anew each time fires them.
alter function set_subreddit_due() set plan_cache_mode = auto;
alter function set_user_due() set plan_cache_mode = auto;

-- These functions go along the index of what is due until they have enough, and then look up one by one (a limit
-- is what keeps the planner from joining).

-- Names of subreddits that are due, the longest overdue first.
create or replace function due_subreddits(max integer, run_id text) returns setof text
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
as $$
declare
  leased text[];
begin
  leased := lease_work('subreddit', array(
    select lower(s.name) from reddit_subreddits s
    where s.next_due_at <= now() and not is_leased('subreddit', lower(s.name))
    order by s.next_due_at limit max), run_id);
  return query
    select s.name from unnest(leased) as key
    cross join lateral (select * from reddit_subreddits r where lower(r.name) = key limit 1) s
    order by s.next_due_at;
end $$;

-- Names of users that are due, ours first.
create or replace function due_users(max integer, run_id text) returns setof text
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
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
    select u.username from unnest(leased) as key
    cross join lateral (select * from reddit_users r where lower(r.username) = key limit 1) u
    order by u.our_creator desc, u.next_due_at;
end $$;

-- What it hands out need not be looked up: only how it is planned changes.
alter function recheck_posts(integer, text) reset all;
alter function recheck_posts(integer, text) set enable_seqscan = off;
alter function recheck_posts(integer, text) set enable_bitmapscan = off;
alter function recheck_posts(integer, text) set enable_sort = off;
