-- The hash of each word is taken here: as a function of its own it is called, not inlined, which cost as much as all else.
create or replace function suppressed_names(texts text[]) returns text[] language sql stable as $$
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
  where sha256(convert_to('reddit_user:' || name, 'UTF8')) in (select hash from suppressions)
$$;
