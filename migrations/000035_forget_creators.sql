-- Creators of Instagram are forgotten as users of Reddit are: what keeps people out and what erases them is told the
-- kind, `reddit_user` or `instagram_creator`. Those of one kind are never looked for among what is known to be of the
-- other site. On the list a creator is the account's id and each name that it is known to have had.

-- Whether `place`, the table, dataset, actor, log source or URL of something, may tell of people of `kind`; null: not known.
create function concerns(kind text, place text) returns boolean language sql immutable parallel safe
  return coalesce(place !~ case kind
    when 'reddit_user' then '^(instagram(_|$)|https?://[^/]*instagram)'
    else '^(reddit(_|$)|https?://[^/]*reddit\.)' end, true);

-- Whom an item or a request of Instagram is about: names and ids.
create function instagram_people(item jsonb) returns text[] language sql immutable parallel safe
  return array_remove(array[
    item->>'ig_user_id', item->>'username',
    item->>'source_ig_user_id', item->>'target_ig_user_id', item->>'target_username',
    item #>> '{target,ig_user_id}', item #>> '{target,username}',
    item #>> '{chain,creator,ig_user_id}', item #>> '{chain,creator,username}',
    substring(item->>'url' from '(?i)[/.]instagram\.com/([\w.]+)'),
    substring(item->>'url' from '[?&](?:id|username)=([\w.]+)'),
    substring(item->>'url' from '%22(?:id|target_user_id)%22%3A%22(\d+)%22')
  ], null) || array(select name #>> '{}' from jsonb_path_query(item, '$.previous_usernames[*]') as name);

-- Names of an account beside its ids, as an item has them. On Reddit a name is for ever. On Instagram the id tells the
-- next name, and a name tells the id only of somebody of whom no id is known, `?name`: later it may be a stranger's.
create function aliases(kind text, item jsonb) returns table (name text, other text)
language sql immutable parallel safe as $$
  select v.name, v.other from (values
    (item->>'author_username', item->>'author_fullname'),
    (item->>'username', 't2_' || (item->>'reddit_id'))) as v(name, other)
  where kind = 'reddit_user' and v.other is not null
  union all
  select v.name, v.other from jsonb_path_query(item, '$.**') as person
  cross join lateral (values
    ('?' || (person->>'username'), person->>'ig_user_id'), (person->>'ig_user_id', person->>'username'),
    ('?' || (person->>'target_username'), person->>'target_ig_user_id'),
    (person->>'target_ig_user_id', person->>'target_username')) as v(name, other)
  where kind = 'instagram_creator' and v.other is not null
$$;

drop function suppressed_names(text), suppressed_names(text[]), without_suppressed(jsonb), blank_record(bytea, text),
  keep_items_out(pushed_item[]), keep_requests_out(jsonb[]), is_about(jsonb, text[]), word(text[]),
  mention_pattern(text[]), person_pattern(text, text[], text[]), mention_pattern(text[], text[]),
  blank_mentions(text[], text, text[]), blank_records(text[], text), is_instagram(text);

create function suppressed_names(kind text, texts text[]) returns text[] language sql stable as $$
  with words as (
    select distinct lower(word collate "C") as word
    from unnest(texts) as content, regexp_split_to_table(content, case kind
      when 'reddit_user' then '[^\w-]+'
      -- In a URL the id may stand in escaped JSON.
      else '(?:%[0-9A-F]{2}|[^\w.])+' end) as word
    where octet_length(word) <= 34
  ), names as (
    select word as name from words
    -- In JSON a line break leaves its letter; a profile of Reddit is a subreddit named `u_<user>`.
    union all select substr(word, 2) from words where word ~ '^[nrt]'
    union all select regexp_replace(word, '^[nrt]?u_', '') from words where word ~ '^[nrt]?u_'
    -- The end of a sentence.
    union all select trim(both '.' from regexp_replace(word, '^[nrt](?=\.)', '')) from words where word ~ '^[nrt]?\.|\.$'
    union all select trim(both '.' from substr(word, 2)) from words where word ~ '^[nrt].*\.$'
  )
  select coalesce(array_agg(distinct name), '{}') from names
  where sha256(convert_to(kind || ':' || name, 'UTF8')) in (select hash from suppressions)
$$;

create function is_about(kind text, item jsonb, names text[]) returns boolean language sql immutable parallel safe
  return exists (
    select from unnest(case kind when 'reddit_user' then reddit_people(item) else instagram_people(item) end) as person
    where lower(person) = any(names));

create function word(kind text, names text[]) returns text language sql immutable parallel safe
  return case kind
    when 'reddit_user' then '(^|[^\w-]|\\[nrtbf])(u_)?(' || array_to_string(names, '|') || ')($|[^\w-])'
    else '(^|\W|\\[nrtbf]|%[0-9a-f]{2})(' || replace(array_to_string(names, '|'), '.', '\.') || ')($|\W)' end;

-- What finds people in a text: `names` anywhere, and `words`, which mean something else as well, where they can only be
-- somebody, or as a text of its own: on Reddit after `u/`, `user/` or `u_`, where a subreddit of the same name is nobody;
-- on Instagram after `@` or in a URL.
create function mention_pattern(kind text, names text[], words text[]) returns text language sql immutable as $$
  select case kind
    when 'reddit_user' then concat_ws('|',
      '(?<![\w-])(?:(?<!\m(?:r/|about:|listing:|rules:|sr_name=))|u_)(?:' || n || ')(?![\w-])',
      '(?<![\w-])(?:u/|user/|u_)(?:' || w || ')(?![\w-])',
      '^(?:' || w || ')$')
    else concat_ws('|',
      '(?:https?://)?(?:www\.|m\.)?instagram\.com/(?:' || concat_ws('|', n, w) || ')(?!\w|\.\w)(?:[/?#][^\s"''<>]*)?',
      '(?:@|(?<!\w|\w\.)|(?<=%[0-9a-f]{2}))(?:' || n || ')(?!\w|\.\w)',
      '(?:@|(?<=[?&]id=|username=|related:))(?:' || w || ')(?!\w|\.\w)',
      '^(?:' || w || ')$') end
  from (
    select replace(nullif(array_to_string(names, '|'), ''), '.', '\.') as n,
      replace(nullif(array_to_string(words, '|'), ''), '.', '\.') as w) lists
$$;

-- The same where nothing is known but the names: one of letters alone may be a word, and one of few digits a number.
create function mention_pattern(kind text, names text[]) returns text language sql immutable
  return mention_pattern(kind,
    array(select name from unnest(names) as name where name !~ '^([a-z]+|\d{1,6})$'),
    array(select name from unnest(names) as name where name ~ '^([a-z]+|\d{1,6})$'));

-- What finds those on the list whom `content` names; null: nobody.
create function suppressed_pattern(place text, content text) returns text language sql stable as $$
  select string_agg(mention_pattern(k.kind, n.names), '|')
  from (values ('reddit_user'), ('instagram_creator')) as k(kind)
  cross join lateral (select suppressed_names(k.kind, array[content]) as names) n
  where concerns(k.kind, place) and n.names <> '{}'
$$;

-- `content` without the people on the list that it names.
create function without_suppressed(place text, content jsonb) returns jsonb
language plpgsql stable as $$
declare
  pattern text;
begin
  if not has_suppressions() then return content; end if;
  pattern := suppressed_pattern(place, content::text);
  return case when pattern is null then content else blank_json(content, null, pattern) end;
end $$;

-- The element of a list that stands for a person may also be a count of mentions: {name, count}.
create or replace function is_somebody(element jsonb, field text, pattern text) returns boolean language sql immutable
  return case jsonb_typeof(element)
    when 'string' then (element #>> '{}') ~* ('^(?:' || pattern || ')$')
      and (is_choice(field) is not true or element #>> '{}' ~* '^u_')
    when 'object' then exists (
      select from jsonb_each_text(element) as f(name, member)
      where (not is_choice(name) or field = 'top_mentions') and member ~* ('^(?:' || pattern || ')$'))
    else false end;

-- Fields named after somebody are those of figures by person: `u/name`, `@name`, an id.
create or replace function blank_json(value jsonb, field text, pattern text) returns jsonb language sql immutable as $$
  select case jsonb_typeof(value)
    when 'string' then to_jsonb(blank_text(value #>> '{}', field, pattern))
    when 'array' then (
      select coalesce(jsonb_agg(blank_json(element, field, pattern) order by n), '[]')
      from jsonb_array_elements(value) with ordinality as e(element, n)
      where not is_somebody(element, field, pattern))
    when 'object' then (
      select coalesce(jsonb_object_agg(
        case when name ~ '^(u_|t2_|@|\d+$)|[/: ]' then regexp_replace(name, pattern, '[forgotten]', 'gi') else name end,
        blank_json(member, name, pattern)), '{}')
      from jsonb_each(value) as f(name, member))
    else value end
$$;

-- Where things come in.

create function keep_items_out(kind text, pushed pushed_item[]) returns pushed_item[]
language plpgsql as $$
declare
  names text[] := suppressed_names(kind, array(
    select distinct value collate "C" from unnest(pushed) as p, jsonb_each_text(p.item)
    where concerns(kind, place_of(p))));
  told text[];
  needles text[];
  pattern text;
  word text;
begin
  if names = '{}' then return pushed; end if;
  -- Whoever was forgotten by one name or id is known by the others from here on.
  told := names || array(select '?' || name from unnest(names) as name
    where suppression_hash(kind, '?' || name) in (select hash from suppressions));
  select names || suppress_names(kind, array_agg(distinct lower(a.other))), array_agg(lower(a.name)) into names, told
  from unnest(pushed) as p, aliases(kind, p.item) as a
  where lower(a.name) = any(told) and concerns(kind, place_of(p));
  delete from suppressions s where told is not null and s.hash in (
    select suppression_hash(keep_items_out.kind, t) from unnest(told) as t where t like '?%');
  needles := needles(names);
  pattern := mention_pattern(kind, names);
  word := word(kind, names);
  return array(
    select row(p.dataset, p.key, case when concerns(kind, place_of(p)) and mentions(p.item::text, needles, word)
      then blank_json(p.item, null, pattern) else p.item end, p.place)::pushed_item
    from unnest(pushed) as p where not (concerns(kind, place_of(p)) and is_about(kind, p.item, names)));
end $$;

create function keep_items_out(pushed pushed_item[]) returns pushed_item[] language sql
  return keep_items_out('instagram_creator', keep_items_out('reddit_user', pushed));

create function keep_requests_out(kind text, requests jsonb[]) returns jsonb[]
language plpgsql as $$
declare
  names text[] := suppressed_names(kind, array(
    select r::text from unnest(requests) as r where concerns(kind, r->>'url')));
  needles text[] := needles(names);
  pattern text := mention_pattern(kind, names);
  word text := word(kind, names);
begin
  if names = '{}' then return requests; end if;
  return array(
    select case when concerns(kind, r->>'url') and mentions(r::text, needles, word) then r || jsonb_build_object(
      'url', blank_list(r->>'url', null, pattern), 'uniqueKey', blank_list(r->>'uniqueKey', null, pattern),
      'userData', blank_json(r->'userData', null, pattern)) else r end
    from unnest(requests) with ordinality as e(r, n)
    where not (concerns(kind, r->>'url')
      and is_about(kind, coalesce(r->'userData', '{}') || jsonb_build_object('url', r->'url'), names))
    order by n);
end $$;

create function keep_requests_out(requests jsonb[]) returns jsonb[] language sql
  return keep_requests_out('instagram_creator', keep_requests_out('reddit_user', requests));

create or replace function keep_input_out() returns trigger language plpgsql as $$
begin
  new.input := without_suppressed(new.actor, new.input);
  return new;
end $$;

create or replace function join_run(id text, actor text, input jsonb default null) returns jsonb
language plpgsql as $$
declare
  run runs;
begin
  input := without_suppressed(actor, input);
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

create or replace function put_record(store text, key text, content_type text, value bytea) returns void
language plpgsql as $$
begin
  if has_suppressions() then
    -- What a run notes of a creator for the next one.
    if exists (select from suppressions s where s.hash =
      suppression_hash('instagram_creator', substring(put_record.key from '^known-creator-(.+)'))) then return; end if;
    if content_type ~ 'json|text' and octet_length(value) < 10000000 then
      value := blank_record(value, null, (select r.actor from runs r where r.id = store));
    end if;
  end if;
  insert into key_value_records as t (store, key, content_type, value)
  values (put_record.store, put_record.key, put_record.content_type, put_record.value)
  on conflict on constraint key_value_records_pkey do update
    set content_type = excluded.content_type, value = excluded.value, updated_at = now();
end $$;

-- JSON or text of a record without the people whom `pattern` finds, or, where that is null, without those on the list;
-- other bytes as they are.
create function blank_record(value bytea, pattern text, place text) returns bytea
language plpgsql as $$
declare
  content text := convert_from(value, 'UTF8');
  document jsonb;
begin
  pattern := coalesce(pattern, suppressed_pattern(place, content));
  if pattern is null then return value; end if;
  begin
    document := content::jsonb;
  exception when invalid_text_representation then
    return convert_to(blank_text(content, null, pattern), 'UTF8');
  end;
  if blank_json(document, null, pattern) = document then return value; end if;
  return convert_to(blank_json(document, null, pattern)::text, 'UTF8');
exception when character_not_in_repertoire or untranslatable_character then
  return value;
end $$;

create or replace function write_logs(logs jsonb) returns void language plpgsql as $$
declare
  day date;
begin
  if has_suppressions() then
    logs := (select jsonb_agg(without_suppressed(l->>'source', l)) from jsonb_array_elements(logs) as l);
  end if;
  for day in
    select distinct (coalesce((l->>'at')::timestamptz, now()) at time zone 'utc')::date
    from jsonb_array_elements(logs) as l
  loop
    perform ensure_partition('system_logs', day);
  end loop;
  insert into system_logs (at, day, source, level, run_id, message, context)
  select a.at, (a.at at time zone 'utc')::date, source, level, run_id, left(message, 8192),
    case when octet_length(context::text) <= 8192 then context
      else jsonb_build_object('omitted_bytes', octet_length(context::text)) end
  from jsonb_to_recordset(logs) as l(
    at timestamptz, source text, level text, run_id text, message text, context jsonb)
  cross join lateral (select coalesce(l.at, now()) as at) a;
end $$;

create or replace function keep_log_out() returns trigger language plpgsql as $$
declare
  pattern text;
begin
  if has_suppressions() then
    pattern := suppressed_pattern((select r.actor from runs r where r.id = new.run_id), new.text);
    if pattern is not null then new.text := blank_log(new.text, null, pattern); end if;
  end if;
  return new;
end $$;

-- Forgetting.

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
