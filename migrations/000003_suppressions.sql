-- People who have asked to be forgotten: only hashes of what they are called, so that the list names nobody.

create table suppressions (
  hash bytea primary key,
  kind text not null,
  added_at timestamptz not null default now()
);
alter table suppressions enable row level security;

create function suppression_hash(kind text, name text) returns bytea language sql immutable parallel safe
  return sha256(convert_to(kind || ':' || lower(name), 'UTF8'));

-- Whom an item or a request of Reddit is about: user names, and account ids as `t2_…`. A profile is a subreddit named
-- `u_<user>`.
create function reddit_people(item jsonb) returns text[] language sql immutable parallel safe
  return array_remove(array[
    item->>'username',
    case when item ? 'username' then 't2_' || (item->>'reddit_id') end,
    item->>'author_username',
    item->>'author_fullname',
    substring(item->>'name' from '(?i)^u_(.+)'),
    substring(item->>'subreddit_name' from '(?i)^u_(.+)'),
    substring(item->>'seen_in' from '^u/(.+)'),
    substring(item->>'url' from '(?i)/(?:user|u)/([\w-]+)'),
    substring(item->>'url' from '(?i)/r/u_([\w-]+)')
  ], null);

-- True for what is about somebody on the list. Later migrations that bring other people replace it.
create function is_suppressed(item jsonb) returns boolean language sql stable
  return exists (
    select from unnest(reddit_people(item)) as name
    join suppressions s on s.hash = suppression_hash('reddit_user', name));

create function has_suppressions() returns boolean language sql stable
  return exists (select from suppressions);
