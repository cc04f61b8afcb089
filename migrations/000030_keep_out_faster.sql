-- What a commit brings is searched for people on the list value by value, each once: its JSON says the same names of
-- fields, and many a value, again and again.

create function suppressed_names(texts text[]) returns text[] language sql stable as $$
  with words as (
    select distinct lower(word collate "C") as word
    from unnest(texts) as content, regexp_split_to_table(content, '[^\w-]+') as word
    where octet_length(word) between 3 and 25
  ), names as (
    select word as name from words
    -- In JSON a line break leaves its letter; a profile is a subreddit named `u_<user>`.
    union all select substr(word, 2) from words where word ~ '^[nrt]'
    union all select regexp_replace(word, '^[nrt]?u_', '') from words where word ~ '^[nrt]?u_'
  )
  select coalesce(array_agg(distinct name), '{}') from names
  where suppression_hash('reddit_user', name) in (select hash from suppressions)
$$;

create or replace function suppressed_names(content text) returns text[] language sql stable as $$
  select suppressed_names(array[content])
$$;

create or replace function keep_items_out(pushed pushed_item[]) returns pushed_item[]
language plpgsql as $$
declare
  names text[] := suppressed_names(array(
    select distinct value collate "C" from unnest(pushed) as p, jsonb_each_text(p.item)));
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
