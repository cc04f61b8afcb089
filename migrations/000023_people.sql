-- How people who asked to be forgotten are found, and blanked, in whatever is stored. The list has hashes only, so what
-- comes in is searched for words whose hash is on it. There are users of Reddit and creators of Instagram: a function
-- is told the kind, `reddit_user` or `instagram_creator`. Those of one kind are never looked for among what is known to
-- be of the other site, where who is called alike is somebody else.

-- What finds and blanks users of Reddit alone gives way to what is below, and in 000025.
drop function mention_pattern(text, text[]), blank_text(text, text), blank_texts(text[], text), blank_json(jsonb, text),
  blank_mentions(text[], text), blank_records(text);

-- Whether `place`, the table, dataset, actor, log source or URL of something, may tell of people of `kind`; null: not known.
create function concerns(kind text, place text) returns boolean language sql immutable parallel safe
  return coalesce(place !~ case kind
    when 'reddit_user' then '^(instagram(_|$)|https?://[^/]*instagram)'
    else '^(reddit(_|$)|https?://[^/]*reddit\.)' end, true);

-- Of which place an item tells.
create function place_of(p pushed_item) returns text language sql immutable parallel safe
  return case when p.dataset = 'failed_requests' then p.item->>'url' else p.dataset end;

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

-- True when an item, or a request's `userData` with its `url`, is about one of `names`, which are people of
-- `kind`, in lower case.
create function is_about(kind text, item jsonb, names text[]) returns boolean language sql immutable parallel safe
  return exists (
    select from unnest(case kind when 'reddit_user' then reddit_people(item) else instagram_people(item) end) as person
    where lower(person) = any(names));

-- The names and account ids in `texts` that are on the list, in lower case. The hash of each word is taken here: as a
-- function of its own it is called, not inlined, which costs as much as all else.
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

-- Puts `names` on the list, and returns them.
create function suppress_names(kind text, names text[]) returns text[] language sql as $$
  insert into suppressions (kind, hash)
  select suppress_names.kind, suppression_hash(suppress_names.kind, n) from unnest(names) as n order by 2
  on conflict do nothing;
  select names
$$;

-- Whether `content`, which may be JSON, has one of some names as a word of its own; see the two functions below for the
-- names. Whether it has them at all is asked first, which is fast: nearly everything that is searched has not.
create function mentions(content text, needles text[], word text) returns boolean language sql immutable parallel safe
  return case when lower(content collate "C") like any(needles) then content ~* word else false end;

create function needles(names text[]) returns text[] language sql immutable parallel safe
  return array(select '%' || replace(name, '_', '\_') || '%' from unnest(names) as name);

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

-- Fields and columns whose values are of a few, or name subreddits: somebody may be called the same.
create function is_choice(field text) returns boolean language sql immutable parallel safe
  return field ~ '^(status|state|review|review_suggestion|availability|availability_reason|history_hidden|distinguished|'
    'removed_by_category|restrict_posting|lang|type|kind|label|level|actor|dataset|outcome|source|class|origin|provider|'
    'sort|time|listing|authors|abort|event|rule|key|name|names|subreddit|subreddits|subreddit_name|display_name)$|_type$|_types$|_day$|_position$';

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

-- An element of a list that stands for a person: the name, or an object of which a field is the name; among
-- `top_mentions` that is a count, {name, count}.
create function is_somebody(element jsonb, field text, pattern text) returns boolean language sql immutable
  return case jsonb_typeof(element)
    when 'string' then (element #>> '{}') ~* ('^(?:' || pattern || ')$')
      and (is_choice(field) is not true or element #>> '{}' ~* '^u_')
    when 'object' then exists (
      select from jsonb_each_text(element) as f(name, member)
      where (not is_choice(name) or field = 'top_mentions') and member ~* ('^(?:' || pattern || ')$'))
    else false end;

-- Fields named after somebody are those of figures by person: `u/name`, `@name`, an id.
create function blank_json(value jsonb, field text, pattern text) returns jsonb language sql immutable as $$
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
