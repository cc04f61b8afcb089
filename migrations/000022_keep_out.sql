-- People who asked to be forgotten are kept out of whatever is stored later, wherever it names them; and erasing them
-- takes seconds. The list has hashes only, so what is stored is searched for words whose hash is on it.

-- The names and account ids in `content` that are on the list, in lower case. Later migrations that bring other people
-- replace it.
create function suppressed_names(content text) returns text[] language sql stable as $$
  with words as (
    select distinct lower(word) as word from regexp_split_to_table(content, '[^\w-]+') as word
    where length(word) between 3 and 25
  ), names as (
    select word as name from words
    -- In JSON a line break leaves its letter; a profile is a subreddit named `u_<user>`.
    union select substr(word, 2) from words where word ~ '^[nrt]'
    union select regexp_replace(word, '^[nrt]?u_', '') from words where word ~ '^[nrt]?u_'
  )
  select coalesce(array_agg(name), '{}') from names
  where suppression_hash('reddit_user', name) in (select hash from suppressions)
$$;

-- True when an item, or a request's `userData` with its `url`, is about one of `names`, which are in lower case.
create function is_about(item jsonb, names text[]) returns boolean language sql immutable parallel safe
  return exists (select from unnest(reddit_people(item)) as person where lower(person) = any(names));

-- Whether `content`, which may be JSON, has one of some names as a word of its own; see the two functions below for the
-- names. Whether it has them at all is asked first, which is fast: nearly everything that is searched has not.
create function mentions(content text, needles text[], word text) returns boolean language sql immutable parallel safe
  return case when lower(content collate "C") like any(needles) then content ~* word else false end;

create function needles(names text[]) returns text[] language sql immutable parallel safe
  return array(select '%' || replace(name, '_', '\_') || '%' from unnest(names) as name);

create function word(names text[]) returns text language sql immutable parallel safe
  return '(^|[^\w-]|\\[nrtbf])(u_)?(' || array_to_string(names, '|') || ')($|[^\w-])';

-- What finds people in a text: `names` anywhere, and `words`, which mean something else as well, after `u/`, `user/`
-- or `u_`, or as a text of its own. A subreddit of the same name is nobody.
drop function mention_pattern(text, text[]);
create function mention_pattern(names text[], words text[]) returns text language sql immutable
  return concat_ws('|',
    '(?<![\w-])(?:(?<!\m(?:r/|about:|listing:|rules:|sr_name=))|u_)(?:' || nullif(array_to_string(names, '|'), '') || ')(?![\w-])',
    '(?<![\w-])(?:u/|user/|u_)(?:' || nullif(array_to_string(words, '|'), '') || ')(?![\w-])',
    '^(?:' || nullif(array_to_string(words, '|'), '') || ')$');

-- The same where nothing is known but the names: one of letters alone may be a word.
create function mention_pattern(names text[]) returns text language sql immutable
  return mention_pattern(
    array(select name from unnest(names) as name where name !~ '^[a-z]+$'),
    array(select name from unnest(names) as name where name ~ '^[a-z]+$'));

-- Fields and columns whose values are of a few, or name subreddits: somebody may be called the same.
create function is_choice(field text) returns boolean language sql immutable parallel safe
  return field ~ '^(status|state|review|review_suggestion|availability|availability_reason|history_hidden|distinguished|'
    'removed_by_category|restrict_posting|lang|type|kind|label|level|actor|dataset|outcome|source|class|origin|provider|'
    'sort|time|listing|authors|abort|event|rule|key|name|names|subreddit|subreddits|subreddit_name|display_name)$|_type$|_types$|_day$|_position$';

drop function blank_text(text, text), blank_texts(text[], text), blank_json(jsonb, text), blank_mentions(text[], text);

create function blank_text(value text, field text, pattern text) returns text language sql immutable
  return case when is_choice(field) and value !~ '/|^u_' then value
    else regexp_replace(value, pattern, '[forgotten]', 'gi') end;

-- Who is an element of a list is left out of it.
create function blank_texts(value text[], field text, pattern text) returns text[] language sql immutable
  return case when value is not null then array(
    select blank_text(element, field, pattern) from unnest(value) with ordinality as e(element, n)
    where element !~* ('^(?:' || pattern || ')$') order by n) end;

-- As url and key of a request have lists: `?ids=t2_a,t2_b`.
create function blank_list(value text, field text, pattern text) returns text language sql immutable
  return blank_text(
    regexp_replace(value, format('(?=u_|t2_)(?:%1$s),|,?(?=u_|t2_)(?:%1$s)(?=&|$)', pattern), '', 'gi'), field, pattern);

-- Keeps the length, by which the pieces of a log join.
create function blank_log(value text, field text, pattern text) returns text
language plpgsql immutable as $$
declare
  found_text text;
begin
  loop
    found_text := substring(value from '(?i)(' || pattern || ')');
    exit when found_text is null;
    value := replace(value, found_text, repeat('*', octet_length(found_text)));
  end loop;
  return value;
end $$;

-- An element of a list that stands for a person: the name, or an object of which a field is the name.
create function is_somebody(element jsonb, field text, pattern text) returns boolean language sql immutable
  return case jsonb_typeof(element)
    when 'string' then (element #>> '{}') ~* ('^(?:' || pattern || ')$')
      and (is_choice(field) is not true or element #>> '{}' ~* '^u_')
    when 'object' then exists (
      select from jsonb_each_text(element) as f(name, member)
      where not is_choice(name) and member ~* ('^(?:' || pattern || ')$'))
    else false end;

create function blank_json(value jsonb, field text, pattern text) returns jsonb language sql immutable as $$
  select case jsonb_typeof(value)
    when 'string' then to_jsonb(blank_text(value #>> '{}', field, pattern))
    when 'array' then (
      select coalesce(jsonb_agg(blank_json(element, field, pattern) order by n), '[]')
      from jsonb_array_elements(value) with ordinality as e(element, n)
      where not is_somebody(element, field, pattern))
    when 'object' then (
      select coalesce(jsonb_object_agg(
        case when name ~ '^(u_|t2_)|[/: ]' then regexp_replace(name, pattern, '[forgotten]', 'gi') else name end,
        blank_json(member, name, pattern)), '{}')
      from jsonb_each(value) as f(name, member))
    else value end
$$;

-- `content` without the people on the list that it names.
create function without_suppressed(content jsonb) returns jsonb
language plpgsql stable as $$
declare
  names text[];
begin
  if not has_suppressions() then return content; end if;
  names := suppressed_names(content::text);
  return case when names = '{}' then content else blank_json(content, null, mention_pattern(names)) end;
end $$;

-- What a commit brings, without items about people on the list, and without their names in the others.
create function keep_items_out(pushed pushed_item[]) returns pushed_item[]
language plpgsql as $$
declare
  names text[] := suppressed_names((select string_agg(p.item::text, ' ') from unnest(pushed) as p));
  needles text[];
  pattern text;
begin
  if names = '{}' then return pushed; end if;
  -- Whoever was forgotten by name is known by the account's id from here on.
  names := names || suppress_names('reddit_user', array(
    select distinct lower(id) from unnest(pushed) as p
    cross join lateral (values (p.item->>'author_username', p.item->>'author_fullname'),
      (p.item->>'username', 't2_' || (p.item->>'reddit_id'))) as v(name, id)
    where lower(v.name) = any(names) and id is not null));
  needles := needles(names);
  pattern := mention_pattern(names);
  return array(
    select row(p.dataset, p.key, case when mentions(p.item::text, needles, word(names))
      then blank_json(p.item, null, pattern) else p.item end, p.place)::pushed_item
    from unnest(pushed) as p where not is_about(p.item, names));
end $$;

-- The same of requests. Who is one of several that a request asks for is left out of it.
create function keep_requests_out(requests jsonb[]) returns jsonb[]
language plpgsql as $$
declare
  names text[] := suppressed_names((select string_agg(r::text, ' ') from unnest(requests) as r));
  needles text[] := needles(names);
  pattern text := mention_pattern(names);
begin
  if names = '{}' then return requests; end if;
  return array(
    select case when mentions(r::text, needles, word(names)) then r || jsonb_build_object(
      'url', blank_list(r->>'url', null, pattern), 'uniqueKey', blank_list(r->>'uniqueKey', null, pattern),
      'userData', blank_json(r->'userData', null, pattern)) else r end
    from unnest(requests) with ordinality as e(r, n)
    where not is_about(coalesce(r->'userData', '{}') || jsonb_build_object('url', r->'url'), names) order by n);
end $$;

-- Puts `names` on the list, and returns them.
create function suppress_names(kind text, names text[]) returns text[] language sql as $$
  insert into suppressions (kind, hash)
  select suppress_names.kind, suppression_hash(suppress_names.kind, n) from unnest(names) as n order by 2
  on conflict do nothing;
  select names
$$;

-- Where things come in: requests, items, run inputs, records, logs.

create or replace function insert_requests(run_number integer, requests jsonb[], forefront bigint) returns text[]
language plpgsql as $$
declare
  added text[];
begin
  if has_suppressions() then requests := keep_requests_out(requests); end if;
  with given as materialized (
    select nextval('request_places') as place, request_id(r->>'uniqueKey') as id, r
    from unnest(insert_requests.requests) as r
  ), distinct_requests as (
    select distinct on (id) * from given order by id, place
  ), inserted as (
    insert into requests (run_number, id, unique_key, url, label, user_data, priority, forefront, place)
    select insert_requests.run_number, id, r->>'uniqueKey', r->>'url', r->>'label',
      coalesce(r->'userData', '{}'), coalesce((r->>'priority')::integer, 0), insert_requests.forefront, place
    from distinct_requests
    where (find_request(insert_requests.run_number, id)).state is null
    order by id
    on conflict on constraint requests_pkey do nothing
    returning id
  )
  select coalesce(array_agg(id), '{}') into added from inserted;
  return added;
end $$;

create or replace function store_effects(run_number integer, commits jsonb[], handled bigint, failed bigint) returns void
language plpgsql as $$
declare
  pushed pushed_item[];
  children jsonb[] := array(
    select child from unnest(commits) as c, jsonb_array_elements(c->'children') as child);
  counters text[] := array['total', 'handled', 'failed'];
  deltas bigint[];
  kind dataset_kinds;
  of_kind pushed_item[];
  unknown text;
  run_id text;
begin
  pushed := array(
    select row(i->>'dataset', item_key(i->>'key'), i->'item', nextval('item_places'))::pushed_item
    from unnest(commits) as c, jsonb_array_elements(c->'items') as i);
  if has_suppressions() then pushed := keep_items_out(pushed); end if;

  deltas := array[0, handled, failed];
  if cardinality(pushed) > 0 then
    select p.dataset into unknown from unnest(pushed) p
    where not exists (select from dataset_kinds k where k.dataset = p.dataset) limit 1;
    if unknown is not null then
      raise 'dataset %: expected one of %', unknown,
        (select string_agg(dataset, ', ' order by dataset) from dataset_kinds) using errcode = 'undefined_object';
    end if;
    select r.id into run_id from runs r where r.number = store_effects.run_number;
    for kind in
      select k.* from (select distinct dataset from unnest(pushed)) d
      join dataset_kinds k using (dataset) order by dataset
    loop
      of_kind := array(select p from unnest(pushed) p where p.dataset = kind.dataset);
      counters := counters || ('items:' || kind.dataset);
      deltas := deltas || store_items(store_effects.run_number, kind, of_kind);
      if kind.upsert is not null then perform upsert_items(kind.upsert, of_kind, run_id); end if;
    end loop;
  end if;

  if cardinality(children) > 0 then
    deltas[1] := cardinality(insert_requests(store_effects.run_number, children, 0));
  end if;
  perform count_up(store_effects.run_number, counters, deltas);
end $$;

-- Whoever writes a run's input.
create function keep_input_out() returns trigger language plpgsql as $$
begin
  new.input := without_suppressed(new.input);
  return new;
end $$;
create trigger keep_input_out before insert or update of input on runs
  for each row execute function keep_input_out();

create or replace function join_run(id text, actor text, input jsonb default null) returns jsonb
language plpgsql as $$
declare
  run runs;
begin
  input := without_suppressed(input);
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
  if has_suppressions() and content_type ~ 'json|text' and octet_length(value) < 10000000 then
    value := blank_record(value);
  end if;
  insert into key_value_records as t (store, key, content_type, value)
  values (put_record.store, put_record.key, put_record.content_type, put_record.value)
  on conflict on constraint key_value_records_pkey do update
    set content_type = excluded.content_type, value = excluded.value, updated_at = now();
end $$;

-- JSON or text of a record without the people whom `pattern` finds, or without those on the list; other bytes as they are.
create function blank_record(value bytea, pattern text default null) returns bytea
language plpgsql as $$
declare
  content text := convert_from(value, 'UTF8');
  document jsonb;
  names text[];
begin
  if pattern is null then
    names := suppressed_names(content);
    if names = '{}' then return value; end if;
    pattern := mention_pattern(names);
  end if;
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
  from jsonb_to_recordset(without_suppressed(logs)) as l(
    at timestamptz, source text, level text, run_id text, message text, context jsonb)
  cross join lateral (select coalesce(l.at, now()) as at) a;
end $$;

-- A run's log comes in pieces whose lengths count.
create function keep_log_out() returns trigger language plpgsql as $$
declare
  names text[];
begin
  if has_suppressions() then
    names := suppressed_names(new.text);
    if names <> '{}' then new.text := blank_log(new.text, null, mention_pattern(names)); end if;
  end if;
  return new;
end $$;
create trigger keep_log_out before insert on run_logs for each row execute function keep_log_out();

-- Forgetting.

create or replace function suppress(kind text, name text) returns text[]
language plpgsql as $$
declare
  names text[];
begin
  if kind <> 'reddit_user' then
    raise 'kind: expected reddit_user, got %', kind using errcode = 'invalid_parameter_value';
  end if;
  if name !~ '^[\w-]+$' then
    raise 'name: expected a user name, got %', name using errcode = 'invalid_parameter_value';
  end if;
  select array_agg(distinct lower(known)) into names from (
    select suppress.name as known
    union all
    select 't2_' || u.reddit_id from reddit_users u
    where lower(u.username) = lower(suppress.name) and u.reddit_id is not null
    union all
    select p.author_fullname from reddit_posts p
    where lower(p.author_username) = lower(suppress.name) and p.author_fullname is not null
  ) k;
  return suppress_names(kind, names);
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
  delete from failed_items f where is_about(f.item, names);

  with deleted as (
    delete from dataset_items i where mentions(i.item::text, needles, word) and is_about(i.item, names)
    returning i.dataset_id
  ), counted as (
    select count_up(d.run_number, array['items:' || d.name], array[-count(*)])
    from deleted join datasets d on d.id = dataset_id group by d.run_number, d.name
  )
  select count(*) into touched from deleted, (select count(*) from counted) c;
  erased := erased || jsonb_build_object('dataset_items', touched);

  with deleted as (
    delete from requests q
    where mentions(q.url || q.user_data, needles, word)
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

-- The pattern of `name` and its account ids. The bare name is one, unless it is a word that a hundred posts of others
-- have, too.
create function person_pattern(name text, names text[], posts text[]) returns text
language plpgsql as $$
declare
  bare text := format('(?<![\w-])%s(?![\w-])', name);
  others integer;
begin
  select count(*) into others from (
    select from reddit_posts p
    where p.reddit_id = any(posts) and (p.title ~* bare or p.selftext ~* bare) limit 101) texts;
  if others <= 100 then return mention_pattern(names, '{}'); end if;
  return mention_pattern(array_remove(names, name), array[name]);
end $$;

-- SQL for all that a row `t` of `tab` says.
create function text_of(tab regclass) returns text language sql stable
  return (
    select format('concat_ws('' '', %s)', string_agg(format('t.%I', a.attname), ', ' order by a.attnum))
    from pg_attribute a
    where a.attrelid = tab and a.attnum > 0 and not a.attisdropped
      and a.atttypid in ('text'::regtype, 'jsonb'::regtype, 'text[]'::regtype));

-- Blanks what `pattern` finds, in every text of every table; of posts, in `posts`. Returns how many rows had some.
create function blank_mentions(names text[], pattern text, posts text[]) returns bigint
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
      and c.relname not like '%\_history'
    group by c.oid, c.relname
  loop
    execute format('update %s t set %s where %s and case when mentions(%s, $1, $4) then %s else false end',
      tab.name, tab.assignments, case when tab.relname = 'reddit_posts' then 't.reddit_id = any($3)' else 'true' end,
      text_of(tab.name), tab.changes)
    using needles, pattern, posts, word;
    get diagnostics touched = row_count;
    total := total + touched;
  end loop;
  return total + blank_records(names, pattern);
end $$;

drop function blank_records(text);
create function blank_records(names text[], pattern text) returns bigint
language plpgsql as $$
declare
  record record;
  total bigint := 0;
  blanked bytea;
begin
  for record in
    select r.store, r.key from key_value_records r
    where content_type ~ 'json|text' and octet_length(value) < 100000000
      and mentions(encode(value, 'escape'), needles(names), word(names))
  loop
    update key_value_records r set value = b.blanked
    from (select blank_record(k.value, pattern) as blanked from key_value_records k
      where k.store = record.store and k.key = record.key) b
    where r.store = record.store and r.key = record.key and r.value <> b.blanked;
    if found then total := total + 1; end if;
  end loop;
  return total;
end $$;

drop function is_suppressed(jsonb);
