-- Instagram's creators are never matched with Reddit's users: who is called alike there is somebody else, and stays.

-- True for tables, datasets and actors of Instagram, and for what is asked of it.
create function is_instagram(place text) returns boolean language sql immutable parallel safe
  return place ~ '^(instagram(_|$)|https?://[^/]*instagram)';

-- Of which place an item tells.
create function place_of(p pushed_item) returns text language sql immutable parallel safe
  return case when p.dataset = 'failed_requests' then p.item->>'url' else p.dataset end;

create or replace function keep_items_out(pushed pushed_item[]) returns pushed_item[]
language plpgsql as $$
declare
  names text[] := suppressed_names(array(
    select distinct value collate "C" from unnest(pushed) as p, jsonb_each_text(p.item)
    where is_instagram(place_of(p)) is not true));
  needles text[];
  pattern text;
begin
  if names = '{}' then return pushed; end if;
  -- Whoever was forgotten by name is known by the account's id from here on.
  names := names || suppress_names('reddit_user', array(
    select distinct lower(id) from unnest(pushed) as p
    cross join lateral (values (p.item->>'author_username', p.item->>'author_fullname'),
      (p.item->>'username', 't2_' || (p.item->>'reddit_id'))) as v(name, id)
    where lower(v.name) = any(names) and id is not null and is_instagram(place_of(p)) is not true));
  needles := needles(names);
  pattern := mention_pattern(names);
  return array(
    select row(p.dataset, p.key, case when is_instagram(place_of(p)) is not true and mentions(p.item::text, needles, word(names))
      then blank_json(p.item, null, pattern) else p.item end, p.place)::pushed_item
    from unnest(pushed) as p where is_instagram(place_of(p)) or not is_about(p.item, names));
end $$;

create or replace function keep_requests_out(requests jsonb[]) returns jsonb[]
language plpgsql as $$
declare
  names text[] := suppressed_names(array(
    select r::text from unnest(requests) as r where is_instagram(r->>'url') is not true));
  needles text[] := needles(names);
  pattern text := mention_pattern(names);
begin
  if names = '{}' then return requests; end if;
  return array(
    select case when is_instagram(r->>'url') is not true and mentions(r::text, needles, word(names)) then r || jsonb_build_object(
      'url', blank_list(r->>'url', null, pattern), 'uniqueKey', blank_list(r->>'uniqueKey', null, pattern),
      'userData', blank_json(r->'userData', null, pattern)) else r end
    from unnest(requests) with ordinality as e(r, n)
    where is_instagram(r->>'url')
      or not is_about(coalesce(r->'userData', '{}') || jsonb_build_object('url', r->'url'), names)
    order by n);
end $$;

create or replace function keep_input_out() returns trigger language plpgsql as $$
begin
  if not is_instagram(new.actor) then new.input := without_suppressed(new.input); end if;
  return new;
end $$;

create or replace function join_run(id text, actor text, input jsonb default null) returns jsonb
language plpgsql as $$
declare
  run runs;
begin
  if not is_instagram(actor) then input := without_suppressed(input); end if;
  if input is not null then perform open_run(id, actor, input); end if;
  select * into run from runs r where r.id = join_run.id for update;
  if not found then return null; end if;
  if run.actor = join_run.actor and (input is null or run.input = input) and run.status <> 'RUNNING' then
    update runs r set status = 'RUNNING', status_message = null, started_at = coalesce(r.started_at, now())
    where r.id = run.id;
  end if;
  return jsonb_build_object('number', run.number, 'actor', run.actor, 'input', run.input,
    'isSameInput', input is null or run.input = input);
end $$;

-- Erases a person from tables, histories, datasets, queues and logs, and blanks mentions in what others wrote. Reads
-- every text in the database once. Returns how many rows of each table were deleted or blanked.
create or replace function forget(kind text, name text) returns jsonb
language plpgsql as $$
declare
  names text[] := suppress(kind, name);
  needles text[] := needles(names);
  word text := word(names);
  profile text := 'u_' || lower(name);
  -- Posts that mention them, and their own.
  posts text[];
  own_posts text[];
  pattern text;
  erased jsonb := '{}';
  touched bigint;
begin
  execute format('select coalesce(array_agg(t.reddit_id), ''{}'') from reddit_posts t where mentions(%s, $1, $2)',
    text_of('reddit_posts')) into posts using needles, word;
  own_posts := array(
    select p.reddit_id from reddit_posts p
    where p.reddit_id = any(posts)
      and (lower(p.author_username) = lower(forget.name) or p.author_fullname = any(names) or lower(p.subreddit_name) = profile));
  posts := array(select unnest(posts) except all select unnest(own_posts));
  pattern := person_pattern(lower(name), names, posts);

  delete from reddit_users u where lower(u.username) = lower(forget.name);
  get diagnostics touched = row_count;
  erased := erased || jsonb_build_object('reddit_users', touched);

  delete from reddit_posts_history h where h.reddit_id = any(own_posts);
  delete from reddit_posts p where p.reddit_id = any(own_posts);
  get diagnostics touched = row_count;
  erased := erased || jsonb_build_object('reddit_posts', touched);

  delete from reddit_subreddits s where lower(s.name) = profile;
  delete from reddit_discoveries d where lower(d.name) = profile or lower(d.seen_in) = 'u/' || lower(forget.name);
  delete from work_leases w where w.kind = 'user' and w.key = lower(forget.name) or w.key = profile;
  delete from failed_items f where is_about(f.item, names) and not is_instagram(f.dataset);

  with deleted as (
    delete from dataset_items i
    where mentions(i.item::text, needles, word) and is_about(i.item, names)
      and i.dataset_id not in (
        select d.id from datasets d join runs r on r.number = d.run_number where is_instagram(r.actor))
    returning i.dataset_id
  ), counted as (
    select count_up(d.run_number, array['items:' || d.name], array[-count(*)])
    from deleted join datasets d on d.id = dataset_id group by d.run_number, d.name
  )
  select count(*) into touched from deleted, (select count(*) from counted) c;
  erased := erased || jsonb_build_object('dataset_items', touched);

  with deleted as (
    delete from requests q
    where mentions(q.url || q.user_data, needles, word) and not is_instagram(q.url)
      and is_about(q.user_data || jsonb_build_object('url', q.url), names)
    returning q.run_number, q.state
  ), counted as (
    select count_up(run_number, array['total', 'handled', 'failed'], array[-count(*),
      -count(*) filter (where state = 'handled'), -count(*) filter (where state = 'failed')])
    from deleted group by run_number
  )
  select count(*) into touched from deleted, (select count(*) from counted) c;
  erased := erased || jsonb_build_object('requests', touched);

  return erased || jsonb_build_object('blanked', blank_mentions(names, pattern, posts));
end $$;

-- Blanks what `pattern` finds, in every text of every table; of posts, in `posts`. Returns how many rows had some.
create or replace function blank_mentions(names text[], pattern text, posts text[]) returns bigint
language plpgsql as $$
declare
  needles text[] := needles(names);
  word text := word(names);
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
      and c.relname not like '%\_history' and not is_instagram(c.relname)
    group by c.oid, c.relname
  loop
    execute format('update %s t set %s where %s and case when mentions(%s, $1, $4) then %s else false end',
      tab.name, tab.assignments, case tab.relname
        when 'reddit_posts' then 't.reddit_id = any($3)'
        when 'dataset_items' then 't.dataset_id not in (
          select d.id from datasets d join runs r on r.number = d.run_number where is_instagram(r.actor))'
        when 'requests' then 'not is_instagram(t.url)'
        when 'failed_items' then 'not is_instagram(t.dataset)'
        when 'runs' then 'not is_instagram(t.actor)'
        else 'true' end,
      text_of(tab.name), tab.changes)
    using needles, pattern, posts, word;
    get diagnostics touched = row_count;
    total := total + touched;
  end loop;
  return total + blank_records(names, pattern);
end $$;
