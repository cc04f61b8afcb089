-- Erases a person, in seconds. The list of people keeps them out of everything from then on.

-- Puts a person on the list, by `name` and what else they are known by. Of creators that a name was seen with, the one
-- that had it last is meant; `name` may be the id. Returns all names and ids, in lower case.
create or replace function suppress(kind text, name text) returns text[]
language plpgsql as $$
declare
  creator text;
  names text[];
begin
  if kind not in ('reddit_user', 'instagram_creator') then
    raise 'kind: expected reddit_user or instagram_creator, got %', kind using errcode = 'invalid_parameter_value';
  end if;
  if name !~ (case kind when 'reddit_user' then '^[\w-]+$' else '^\w+(\.\w+)*$' end) then
    raise 'name: expected a user name, got %', name using errcode = 'invalid_parameter_value';
  end if;
  if kind = 'reddit_user' then
    select array_agg(distinct lower(known)) into names from (
      select suppress.name as known
      union all
      select 't2_' || u.reddit_id from reddit_users u
      where lower(u.username) = lower(suppress.name) and u.reddit_id is not null
      union all
      select p.author_fullname from reddit_posts p
      where lower(p.author_username) = lower(suppress.name) and p.author_fullname is not null
    ) k;
  else
    select c.ig_user_id into creator from instagram_creators c
    where c.ig_user_id = suppress.name or lower(c.username) = lower(suppress.name)
      or lower(suppress.name) = any(lower(c.previous_usernames::text)::text[])
    order by c.ig_user_id = suppress.name desc, lower(c.username) is not distinct from lower(suppress.name) desc,
      c.last_scraped_at desc nulls last
    limit 1;
    select array_agg(distinct lower(known)) into names from (
      select unnest(array[suppress.name, creator]) as known
      union all
      select unnest(c.username || c.previous_usernames) from instagram_creators c where c.ig_user_id = creator
      union all
      select r.target_username from instagram_related r where r.target_ig_user_id = creator
    ) k where known is not null;
    if creator is null and suppression_hash(kind, name) not in (select hash from suppressions) then
      perform suppress_names(kind, array['?' || name]);
    end if;
  end if;
  return suppress_names(kind, names);
end $$;

-- Erases a person from tables, histories, datasets, queues and logs, and blanks mentions in what others wrote. Reads
-- every text in the database once. Returns how many rows of each table were deleted or blanked.
create or replace function forget(kind text, name text) returns jsonb
language plpgsql as $$
declare
  names text[] := suppress(kind, name);
  needles text[] := needles(names);
  word text := word(kind, names);
  posts text[];
  pattern text := mention_pattern(kind, names);
  erased jsonb;
  touched bigint;
begin
  if kind = 'reddit_user' then
    execute format('select coalesce(array_agg(t.reddit_id), ''{}'') from reddit_posts t where mentions(%s, $1, $2)',
      text_of('reddit_posts')) into posts using needles, word;
    erased := erase_user(name, names, posts);
    pattern := user_pattern(lower(name), names, posts);
  else
    erased := erase_creator(names);
  end if;

  delete from failed_items f where concerns(forget.kind, f.dataset) and is_about(forget.kind, f.item, names);

  with deleted as (
    delete from dataset_items i
    where mentions(i.item::text, needles, word) and is_about(forget.kind, i.item, names)
      and i.dataset_id not in (
        select d.id from datasets d join runs r on r.number = d.run_number where not concerns(forget.kind, r.actor))
    returning i.dataset_id
  ), counted as (
    select count_up(d.run_number, array['items:' || d.name], array[-count(*)])
    from deleted join datasets d on d.id = dataset_id group by d.run_number, d.name
  )
  select count(*) into touched from deleted, (select count(*) from counted) c;
  erased := erased || jsonb_build_object('dataset_items', touched);

  with deleted as (
    delete from requests q
    where mentions(q.url || q.user_data, needles, word) and concerns(forget.kind, q.url)
      and is_about(forget.kind, q.user_data || jsonb_build_object('url', q.url), names)
    returning q.run_number, q.state
  ), counted as (
    select count_up(run_number, array['total', 'handled', 'failed'], array[-count(*),
      -count(*) filter (where state = 'handled'), -count(*) filter (where state = 'failed')])
    from deleted group by run_number
  )
  select count(*) into touched from deleted, (select count(*) from counted) c;
  erased := erased || jsonb_build_object('requests', touched);

  return erased || jsonb_build_object('blanked', blank_mentions(kind, names, pattern, posts));
end $$;

-- Of the tables of Reddit. `posts` mention them; their own are among these.
create function erase_user(name text, names text[], posts text[]) returns jsonb
language plpgsql as $$
declare
  profile text := 'u_' || lower(name);
  own_posts text[] := array(
    select p.reddit_id from reddit_posts p
    where p.reddit_id = any(posts)
      and (lower(p.author_username) = lower(erase_user.name) or p.author_fullname = any(names)
        or lower(p.subreddit_name) = profile));
  users bigint;
begin
  delete from reddit_users u where lower(u.username) = lower(erase_user.name);
  get diagnostics users = row_count;
  delete from reddit_posts_history h where h.reddit_id = any(own_posts);
  delete from reddit_posts p where p.reddit_id = any(own_posts);
  delete from reddit_subreddits s where lower(s.name) = profile;
  delete from reddit_discoveries d where lower(d.name) = profile or lower(d.seen_in) = 'u/' || lower(erase_user.name);
  delete from work_leases w where w.kind = 'user' and w.key = lower(erase_user.name) or w.key = profile;
  return jsonb_build_object('reddit_users', users, 'reddit_posts', cardinality(own_posts));
end $$;

-- The pattern of `name` and its account ids. The bare name is one, unless it is a word that a hundred posts of others
-- have, too.
create function user_pattern(name text, names text[], posts text[]) returns text
language plpgsql as $$
declare
  bare text := format('(?<![\w-])%s(?![\w-])', name);
  others integer;
begin
  select count(*) into others from (
    select from reddit_posts p
    where p.reddit_id = any(posts) and (p.title ~* bare or p.selftext ~* bare) limit 101) texts;
  if others <= 100 then return mention_pattern('reddit_user', names, '{}'); end if;
  return mention_pattern('reddit_user', array_remove(names, name), array[name]);
end $$;

-- Of the tables of Instagram.
create function erase_creator(names text[]) returns jsonb
language plpgsql as $$
declare
  creators bigint;
  posts bigint;
  reels bigint;
  related bigint;
begin
  delete from instagram_creators c where c.ig_user_id = any(names);
  get diagnostics creators = row_count;
  -- Whoever had the name before or after; what is due goes by the id.
  update instagram_creators c set username = null where lower(c.username) = any(names);
  delete from instagram_posts_history h using instagram_posts p
  where p.media_id = h.media_id and p.ig_user_id = any(names);
  delete from instagram_posts p where p.ig_user_id = any(names);
  get diagnostics posts = row_count;
  delete from instagram_reels_history h using instagram_reels r
  where r.media_id = h.media_id and r.ig_user_id = any(names);
  delete from instagram_reels r where r.ig_user_id = any(names);
  get diagnostics reels = row_count;
  delete from instagram_related r
  where r.source_ig_user_id = any(names) or r.target_ig_user_id = any(names) or lower(r.target_username) = any(names);
  get diagnostics related = row_count;
  delete from work_leases w where w.kind = 'creator' and w.key = any(names);
  delete from key_value_records k where k.key = any(array(select 'known-creator-' || n from unnest(names) as n));
  return jsonb_build_object('instagram_creators', creators, 'instagram_posts', posts, 'instagram_reels', reels,
    'instagram_related', related);
end $$;

-- SQL for all that a row `t` of `tab` says.
create function text_of(tab regclass) returns text language sql stable
  return (
    select format('concat_ws('' '', %s)', string_agg(format('t.%I', a.attname), ', ' order by a.attnum))
    from pg_attribute a
    where a.attrelid = tab and a.attnum > 0 and not a.attisdropped
      and a.atttypid in ('text'::regtype, 'jsonb'::regtype, 'text[]'::regtype));

-- Blanks what `pattern` finds, in every text of every table that may have people of `kind`; of posts of Reddit, in
-- `posts`. Returns how many rows had some.
create function blank_mentions(kind text, names text[], pattern text, posts text[]) returns bigint
language plpgsql as $$
declare
  needles text[] := needles(names);
  word text := word(kind, names);
  tab record;
  touched bigint;
  total bigint := 0;
begin
  for tab in
    select c.oid::regclass as name, c.relname, string_agg(format('%I = %s', a.attname, f.blanked), ', ') as assignments,
      string_agg(format('t.%I is distinct from %s', a.attname, f.blanked), ' or ') as changes
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join (values ('text'::regtype, 'blank_text'), ('jsonb', 'blank_json'), ('text[]', 'blank_texts')) v(type, blank)
      on v.type = a.atttypid
    cross join lateral (select format('%s(t.%I, %3$L, $2)', case
      when c.relname = 'run_logs' and a.attname = 'text' then 'blank_log'
      when c.relname = 'requests' and a.attname in ('url', 'unique_key') then 'blank_list'
      else v.blank end, a.attname, a.attname) as blanked) f
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname not in ('suppressions', 'migrations', 'review_keywords', 'dataset_kinds', 'datasets', 'run_counters')
      -- Numbers only.
      and c.relname not like '%\_history' and concerns(blank_mentions.kind, c.relname)
    group by c.oid, c.relname
  loop
    execute format('update %s t set %s where %s and case when mentions(%s, $1, $4) then %s else false end',
      tab.name, tab.assignments, case
        when tab.relname = 'reddit_posts' then 't.reddit_id = any($3)'
        when tab.relname = 'dataset_items' then 't.dataset_id not in (
          select d.id from datasets d join runs r on r.number = d.run_number where not concerns($5, r.actor))'
        when tab.relname = 'requests' then 'concerns($5, t.url)'
        when tab.relname = 'failed_items' then 'concerns($5, t.dataset)'
        when tab.relname = 'run_logs' then 'concerns($5, (select r.actor from runs r where r.id = t.run_id))'
        when tab.relname = 'system_logs' then 'concerns($5, t.source)'
        when tab.relname = 'api_usage' then 'concerns($5, t.provider)'
        when tab.relname in ('runs', 'schedules', 'webhooks') then 'concerns($5, t.actor)'
        else 'true' end,
      text_of(tab.name), tab.changes)
    using needles, pattern, posts, word, kind;
    get diagnostics touched = row_count;
    total := total + touched;
  end loop;
  return total + blank_records(kind, names, pattern);
end $$;

create function blank_records(kind text, names text[], pattern text) returns bigint
language plpgsql as $$
declare
  record record;
  total bigint := 0;
begin
  for record in
    select k.store, k.key from key_value_records k left join runs r on r.id = k.store
    where content_type ~ 'json|text' and octet_length(value) < 100000000 and concerns(blank_records.kind, r.actor)
      and mentions(encode(value, 'escape'), needles(names), word(blank_records.kind, names))
  loop
    update key_value_records r set value = b.blanked
    from (select blank_record(k.value, pattern, null) as blanked from key_value_records k
      where k.store = record.store and k.key = record.key) b
    where r.store = record.store and r.key = record.key and r.value <> b.blanked;
    if found then total := total + 1; end if;
  end loop;
  return total;
end $$;
