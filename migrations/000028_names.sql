-- Names as the sites have had them, and what becomes of work that nobody can use.

-- Why a lease is nobody's: what was handed out cannot be used. Null: it is `run_id`'s.
alter table work_leases add column reason text;

-- As 000008 has it; whoever takes over what was set aside long ago has it like any other work.
create or replace function lease_work(kind text, keys text[], run_id text) returns text[]
language sql as $$
  with leased as (
    insert into work_leases as t (kind, key, run_id)
    select lease_work.kind, key, lease_work.run_id from unnest(keys) as key order by key
    on conflict on constraint work_leases_pkey do update
      set run_id = excluded.run_id, leased_at = excluded.leased_at, expires_at = excluded.expires_at, reason = null
      where t.expires_at <= now()
    returning key
  )
  select coalesce(array_agg(key), '{}') from leased
$$;

-- `entries`: array of {entry, reason}, of what was leased to the run: a name, or an object with the `ig_user_id`. They are
-- handed out to nobody for a week; the program may know better by then.
create function set_work_aside(run_id text, entries jsonb) returns void
language sql as $$
  update work_leases w set run_id = '', expires_at = now() + interval '7 days', reason = e.reason
  from jsonb_to_recordset(entries) as e(entry jsonb, reason text)
  where w.run_id = set_work_aside.run_id and w.key = coalesce(e.entry->>'ig_user_id', lower(e.entry #>> '{}'))
$$;

alter table schedules
  -- Since when every firing has failed, when it last did, and why: it launched nothing. Null: the last one did what it had to.
  add column failing_since timestamptz,
  add column failed_at timestamptz,
  add column failure text,
  -- When a firing last found that nothing was due.
  add column nothing_due_at timestamptz;

-- A line that would be the same as the one before counts it instead: how often it was so, and since when. `at` is the last
-- time.
alter table schedule_logs
  add column times integer not null default 1,
  add column since timestamptz not null default now();

-- Users of Reddit are also called `old name!`, `old.name` or `*`: names from before there was a rule. As 000023 to 000025
-- find, blank and keep out people, with names of any signs.

-- `%21` and its like are the sign that they stand for; of signs beyond ASCII no name is made.
create function decode_url(value text) returns text language sql immutable parallel safe as $$
  select case when value !~ '%[2-7][0-9A-Fa-f]' then value else (
    select string_agg(case when part ~ '^%[2-7][0-9A-Fa-f]$' then chr(('x' || substr(part, 2))::bit(8)::integer) else part end,
      '' order by n)
    from regexp_matches(value, '%[2-7][0-9A-Fa-f]|%|[^%]+', 'g') with ordinality as m(parts, n)
    cross join lateral (select m.parts[1] as part) p) end
$$;

-- What finds a name in a text: its signs may be percent-encoded, or as HTML has them.
create function name_pattern(name text) returns text language sql immutable parallel safe as $$
  select case when name ~ '^[\w-]*$' then name else (
    select string_agg(case
      when sign ~ '[\w-]' then sign
      when sign = ' ' then '(?: |%20|\+)'
      else format('(?:\%s|%%%s%s)', sign, to_hex(ascii(sign)), case sign when '&' then '|&amp;' when '''' then '|&#(?:39|x27);' end)
      end, '' order by n)
    from regexp_split_to_table(name, '') with ordinality as s(sign, n)) end
$$;

create function names_pattern(names text[]) returns text language sql immutable parallel safe
  return (select string_agg(name_pattern(name), '|') from unnest(names) as name);

create or replace function reddit_people(item jsonb) returns text[] language sql immutable parallel safe
  return array_remove(array[
    item->>'username',
    case when item ? 'username' then 't2_' || (item->>'reddit_id') end,
    item->>'author_username',
    item->>'author_fullname',
    substring(item->>'name' from '(?i)^u_(.+)'),
    substring(item->>'subreddit_name' from '(?i)^u_(.+)'),
    substring(item->>'seen_in' from '^u/(.+)'),
    -- Both: what follows a plain name in somebody's text is no part of it.
    substring(item->>'url' from '(?i)/(?:user|u)/([\w-]+)'),
    substring(item->>'url' from '(?i)/r/u_([\w-]+)'),
    decode_url(substring(item->>'url' from '(?i)/(?:user|u)/([^/?#]+)')),
    decode_url(substring(item->>'url' from '(?i)/r/u_([^/?#]+)'))
  ], null);

create or replace function needles(names text[]) returns text[] language sql immutable parallel safe
  return array(
    select '%' || regexp_replace(replace(name, '_', '\_'), '[^\w.\\-]', '%', 'g') || '%' from unnest(names) as name);

create or replace function word(kind text, names text[]) returns text language sql immutable parallel safe
  return case kind
    when 'reddit_user' then '(^|[^\w-]|\\[nrtbf])(u_)?(' || names_pattern(names) || ')($|[^\w-])'
    else '(^|\W|\\[nrtbf]|%[0-9a-f]{2})(' || names_pattern(names) || ')($|\W)' end;

create or replace function mention_pattern(kind text, names text[], words text[]) returns text language sql immutable as $$
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
  from (select names_pattern(names) as n, names_pattern(words) as w) lists
$$;

-- Where nothing is known but the names: one of letters alone, or of signs and hardly any letter, may be a word, and one of
-- few digits a number.
create or replace function mention_pattern(kind text, names text[]) returns text language sql immutable as $$
  with named as (
    select name, name ~ '^([a-z]+|\d{1,6})$'
      or kind = 'reddit_user' and name ~ '[^\w-]' and name !~ '\w.*\w.*\w' as is_word
    from unnest(names) as name
  )
  select mention_pattern(kind, array(select name from named where not is_word), array(select name from named where is_word))
$$;

-- How long names with other signs than `\w` and `-` are, and where their first word is, known by its hash: no word of a text
-- is such a name, so it is looked for where that word is. The list names nobody all the same.
create table suppressed_shapes (
  kind text not null,
  -- Of the empty text where the name has no word.
  word_hash bytea not null,
  -- From 1; 0 without a word.
  word_at smallint not null,
  size smallint not null,
  primary key (kind, word_hash, word_at, size)
);
alter table suppressed_shapes enable row level security;

create or replace function suppress_names(kind text, names text[]) returns text[] language sql as $$
  insert into suppressions (kind, hash)
  select suppress_names.kind, suppression_hash(suppress_names.kind, n) from unnest(names) as n order by 2
  on conflict do nothing;
  insert into suppressed_shapes (kind, word_hash, word_at, size)
  select suppress_names.kind, suppression_hash(suppress_names.kind || ' word', coalesce(w.word, '')),
    coalesce(position(w.word in n), 0), length(n)
  from unnest(names) as n cross join lateral (select substring(n from '[\w-]+') as word) w
  where suppress_names.kind = 'reddit_user' and n ~ '[^\w-]'
  order by 2, 3, 4
  on conflict do nothing;
  select names
$$;

-- Parts of `texts` that have the shape of a name on the list, in lower case.
create function odd_names(kind text, texts text[]) returns setof text
language plpgsql stable as $$
begin
  if not exists (select from suppressed_shapes s where s.kind = odd_names.kind) then return; end if;
  return query
  with contents as materialized (
    select distinct lower(form) as content
    from unnest(texts) as t
    cross join lateral (select regexp_replace(t, '\\[nrtbf]', '  ', 'g') as plain) p
    cross join lateral unnest(array[plain, decode_url(plain), decode_url(replace(plain, '+', ' ')),
      replace(replace(plain, '&amp;', '&'), '&#39;', '''')]) as form
  ), parts as (
    select content, m.parts[1] as part,
      sum(length(m.parts[1])) over (partition by content order by n) - length(m.parts[1]) + 1 as at
    from contents cross join lateral regexp_matches(content, '[\w-]+|[^\w-]+', 'g') with ordinality as m(parts, n)
  ), words as (
    select content, part as word, at from parts where part ~ '^[\w-]'
    union all select content, substr(part, 3), at + 2 from parts where part ~ '^u_'
    union all select content, '', at + n from parts cross join lateral generate_series(0, length(part) - 1) as n
      where part ~ '^[^\w-]' and exists (select from suppressed_shapes s where s.kind = odd_names.kind and s.word_at = 0)
  )
  select distinct substr(w.content, (w.at - greatest(s.word_at, 1) + 1)::integer, s.size)
  from words w
  join suppressed_shapes s
    on s.kind = odd_names.kind and s.word_hash = suppression_hash(odd_names.kind || ' word', w.word)
  where w.at >= s.word_at;
end $$;

create or replace function suppressed_names(kind text, texts text[]) returns text[] language sql stable as $$
  with words as (
    select distinct lower(word collate "C") as word
    from unnest(texts) as content, regexp_split_to_table(content, case kind
      when 'reddit_user' then '[^\w-]+'
      -- In a URL the id may stand in escaped JSON.
      else '(?:%[0-9A-F]{2}|[^\w.])+' end) as word
    where octet_length(word) <= 54
  ), names as (
    select word as name from words
    -- In JSON a line break leaves its letter; a profile of Reddit is a subreddit named `u_<user>`.
    union all select substr(word, 2) from words where word ~ '^[nrt]'
    union all select regexp_replace(word, '^[nrt]?u_', '') from words where word ~ '^[nrt]?u_'
    -- The end of a sentence, which a dot of the name may stand before.
    union all select trim(both '.' from regexp_replace(word, '^[nrt](?=\.)', '')) from words where word ~ '^[nrt]?\.|\.$'
    union all select trim(both '.' from substr(word, 2)) from words where word ~ '^[nrt].*\.$'
    union all select regexp_replace(word, '\.$', '') from words where word ~ '\.\.$'
    union all select odd_names(kind, texts)
  )
  select coalesce(array_agg(distinct name), '{}') from names
  where sha256(convert_to(kind || ':' || name, 'UTF8')) in (select hash from suppressions)
$$;

-- As 000025 has it, for every name that there has been.
create or replace function suppress(kind text, name text) returns text[]
language plpgsql as $$
declare
  creator text;
  names text[];
begin
  if kind not in ('reddit_user', 'instagram_creator') then
    raise 'kind: expected reddit_user or instagram_creator, got %', kind using errcode = 'invalid_parameter_value';
  end if;
  if name !~ (case kind when 'reddit_user' then '^(?![. ]*$)(?! )[^[:cntrl:]/\\?#"<>]{1,50}(?<! )$' else '^(?!\.*$)[\w.]+$' end) then
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

create or replace function user_pattern(name text, names text[], posts text[]) returns text
language plpgsql as $$
declare
  bare text := format('(?<![\w-])%s(?![\w-])', name_pattern(name));
  others integer;
begin
  select count(*) into others from (
    select from reddit_posts p
    where p.reddit_id = any(posts) and (p.title ~* bare or p.selftext ~* bare) limit 101) texts;
  if others <= 100 then return mention_pattern('reddit_user', names, '{}'); end if;
  return mention_pattern('reddit_user', array_remove(names, name), array[name]);
end $$;

-- Keeps the length, by which the pieces of a log join, with a sign that no name has: what is covered is not found again.
create or replace function blank_log(value text, field text, pattern text) returns text
language plpgsql immutable as $$
declare
  found_text text;
begin
  loop
    found_text := substring(value from '(?i)(' || pattern || ')');
    exit when found_text is null;
    value := replace(value, found_text, repeat('#', octet_length(found_text)));
  end loop;
  return value;
end $$;

-- Also an address of the person: as run inputs have them.
create or replace function is_somebody(element jsonb, field text, pattern text) returns boolean language sql immutable
  return case jsonb_typeof(element)
    when 'string' then regexp_replace(element #>> '{}', pattern, '[forgotten]', 'gi')
        ~* '^\s*(?:https?://)?(?:[\w.-]+/|/)*@?\[forgotten\](?:[/?#]\S*)?\s*$'
      and (is_choice(field) is not true or element #>> '{}' ~* '/|^u_')
    when 'object' then exists (
      select from jsonb_each_text(element) as f(name, member)
      where (not is_choice(name) or field = 'top_mentions') and member ~* ('^(?:' || pattern || ')$'))
    else false end;

-- What an incremental run notes of a subreddit for the next one, as the actor names it.
create function posts_record_key(subreddit text) returns text language sql immutable parallel safe
  return 'known-posts-' || (
    select string_agg(case when sign ~ '[\w.-]' then sign else '(' || to_hex(ascii(sign)) || ')' end, '' order by n)
    from regexp_split_to_table(lower(subreddit), '') with ordinality as s(sign, n));

-- As 000025 has it, with the records of the person's profile.
create or replace function erase_user(name text, names text[], posts text[]) returns jsonb
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
  delete from key_value_records k where k.key = posts_record_key(profile);
  return jsonb_build_object('reddit_users', users, 'reddit_posts', cardinality(own_posts));
end $$;

create function keep_record_out() returns trigger language plpgsql as $$
begin
  if new.key like 'known-posts-u\_%' and exists (
    select from suppressions s where s.hash = suppression_hash('reddit_user',
      decode_url(regexp_replace(substr(new.key, length('known-posts-u_') + 1), '\(([0-9a-f]{2})\)', '%\1', 'g'))))
  then return null; end if;
  return new;
end $$;
create trigger keep_record_out before insert on key_value_records
  for each row execute function keep_record_out();
