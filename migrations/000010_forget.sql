-- Erases a person. The suppression list keeps them out of every commit from then on.

-- Puts a person's names on the list: `name`, and the account ids that belong to it. Returns all of them.
create function suppress(kind text, name text) returns text[]
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
  select array_agg(distinct known) into names from (
    select suppress.name as known
    union all
    select 't2_' || u.reddit_id from reddit_users u
    where lower(u.username) = lower(suppress.name) and u.reddit_id is not null
    union all
    select p.author_fullname from reddit_posts p
    where lower(p.author_username) = lower(suppress.name) and p.author_fullname is not null
  ) k;
  insert into suppressions (kind, hash)
  select suppress.kind, suppression_hash(suppress.kind, n) from unnest(names) as n
  on conflict do nothing;
  return names;
end $$;

-- Erases a person from tables, histories, datasets, queues and logs, and blanks mentions in what others wrote. Takes
-- as long as reading the whole database. Returns how many rows of each table were deleted or blanked.
create function forget(kind text, name text) returns jsonb
language plpgsql as $$
declare
  names text[] := suppress(kind, name);
  pattern text := mention_pattern(name, names);
  profile text := 'u_' || lower(name);
  erased jsonb := '{}';
  touched bigint;
begin
  delete from reddit_users u where lower(u.username) = lower(forget.name);
  get diagnostics touched = row_count;
  erased := erased || jsonb_build_object('reddit_users', touched);

  delete from reddit_posts_history h using reddit_posts p
  where h.reddit_id = p.reddit_id
    and (lower(p.author_username) = lower(forget.name) or p.author_fullname = any(names) or lower(p.subreddit_name) = profile);
  delete from reddit_posts p
  where lower(p.author_username) = lower(forget.name) or p.author_fullname = any(names) or lower(p.subreddit_name) = profile;
  get diagnostics touched = row_count;
  erased := erased || jsonb_build_object('reddit_posts', touched);

  delete from reddit_subreddits s where lower(s.name) = profile;
  delete from reddit_discoveries d where lower(d.name) = profile or lower(d.seen_in) = 'u/' || lower(forget.name);
  delete from work_leases w where w.key in (lower(forget.name), profile);
  delete from failed_items f where is_suppressed(f.item);

  with deleted as (
    delete from dataset_items i
    where i.item::text ilike any(array(select '%' || n || '%' from unnest(names) n)) and is_suppressed(i.item)
    returning i.dataset_id
  ), counted as (
    select count_up(d.run_number, array['items:' || d.name], array[-count(*)])
    from deleted join datasets d on d.id = dataset_id group by d.run_number, d.name
  )
  select count(*) into touched from deleted, (select count(*) from counted) c;
  erased := erased || jsonb_build_object('dataset_items', touched);

  with deleted as (
    delete from requests q
    where q.url ilike '%' || forget.name || '%' and is_suppressed(jsonb_build_object('url', q.url))
    returning q.run_number, q.state
  ), counted as (
    select count_up(run_number, array['total', 'handled', 'failed'], array[-count(*),
      -count(*) filter (where state = 'handled'), -count(*) filter (where state = 'failed')])
    from deleted group by run_number
  )
  select count(*) into touched from deleted, (select count(*) from counted) c;
  erased := erased || jsonb_build_object('requests', touched);

  return erased || jsonb_build_object('blanked', blank_mentions(names, pattern));
end $$;

-- What finds a person in a text: their ids; their name after `u/`, `user/` or `u_`, or as a text of its own; and the
-- bare name, unless it is a word that a hundred texts of others have, too.
create function mention_pattern(name text, names text[]) returns text
language plpgsql as $$
declare
  bare text := format('(?<![\w-])%s(?![\w-])', name);
  ids text := (select string_agg(format('(?<![\w-])%s(?![\w-])', n), '|') from unnest(names) n where n <> name);
  is_word boolean;
begin
  select count(*) > 100 into is_word from (
    select from reddit_posts p
    where (p.title ~* bare or p.selftext ~* bare) and lower(p.author_username) is distinct from lower(name)
    limit 101) texts;
  return concat_ws('|', ids,
    case when is_word then format('(?<![\w-])(u/|user/|u_)%s(?![\w-])|^%1$s$', name)
      else format('(?<![\w-])(u_)?%s(?![\w-])', name) end);
end $$;

-- Blanks what `pattern` finds, in every text of every table. Returns how many rows had some.
create function blank_mentions(names text[], pattern text) returns bigint
language plpgsql as $$
declare
  tab record;
  touched bigint;
  total bigint := 0;
  -- Finds them in the text of a whole row, where a line may begin with an escape as `\n`: a letter, and no word's.
  loose text := format('(?:(?<![\w-])|\\[nrtbf])(?:u_)?(?:%s)(?![\w-])', array_to_string(names, '|'));
begin
  for tab in
    select c.oid::regclass as name, string_agg(format('%I = %s', a.attname, f.blanked), ', ') as assignments,
      string_agg(format('t.%I is distinct from %s', a.attname, f.blanked), ' or ') as changes
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join (values ('text'::regtype, 'blank_text'), ('jsonb', 'blank_json'), ('text[]', 'blank_texts')) v(type, blank)
      on v.type = a.atttypid
    cross join lateral (select format('%s(t.%I, $2)', v.blank, a.attname) as blanked) f
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname not in ('suppressions', 'migrations', 'review_keywords', 'dataset_kinds', 'datasets')
    group by c.oid
  loop
    execute format('update %s t set %s where t::text ilike any($1) and t::text ~* $3 and (%s)',
      tab.name, tab.assignments, tab.changes)
    using array(select '%' || n || '%' from unnest(names) n), pattern, loose;
    get diagnostics touched = row_count;
    total := total + touched;
  end loop;
  return total + blank_records(pattern);
end $$;

create function blank_text(value text, pattern text) returns text language sql immutable
  return regexp_replace(value, pattern, '[forgotten]', 'gi');

create function blank_texts(value text[], pattern text) returns text[] language sql immutable
  return case when value is not null then
    array(select blank_text(element, pattern) from unnest(value) with ordinality as e(element, n) order by n) end;

create function blank_json(value jsonb, pattern text) returns jsonb language sql immutable as $$
  select case jsonb_typeof(value)
    when 'string' then to_jsonb(blank_text(value #>> '{}', pattern))
    when 'array' then (
      select coalesce(jsonb_agg(blank_json(element, pattern) order by n), '[]')
      from jsonb_array_elements(value) with ordinality as e(element, n))
    when 'object' then (
      select coalesce(jsonb_object_agg(blank_text(name, pattern), blank_json(field, pattern)), '{}')
      from jsonb_each(value) as f(name, field))
    else value end
$$;

-- Records are bytes; those that are JSON or text may name somebody.
create function blank_records(pattern text) returns bigint
language plpgsql as $$
declare
  record key_value_records;
  content text;
  total bigint := 0;
begin
  for record in
    select * from key_value_records where content_type ~ 'json|text' and octet_length(value) < 100000000
  loop
    begin
      content := convert_from(record.value, 'UTF8');
      begin
        content := blank_json(content::jsonb, pattern)::text;
      exception when invalid_text_representation then
        content := blank_text(content, pattern);
      end;
    exception when character_not_in_repertoire or untranslatable_character then
      continue;
    end;
    continue when position('[forgotten]' in content) = 0;
    update key_value_records r set value = convert_to(content, 'UTF8')
    where r.store = record.store and r.key = record.key;
    total := total + 1;
  end loop;
  return total;
end $$;
