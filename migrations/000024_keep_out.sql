-- People on the list are kept out wherever things come in: requests, items, run inputs, records, logs.

-- What a commit brings, without items about people on the list, and without their names in the others. It is searched
-- value by value, each once: its JSON says the same names of fields, and many a value, again and again.
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

-- The same of requests. Who is one of several that a request asks for is left out of it.
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

-- Inserts what is not there yet and returns the ids of that. Places follow the order given; rows are written in the
-- order of their ids, so that two calls at once never wait for each other crosswise. Rows that are there are not
-- touched: to wait for somebody who is just settling them would be such a crossing. What is about people on the list is
-- left out.
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

-- Items, tables, children and counters of commits whose requests were marked just now.
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

drop function is_suppressed(jsonb);

-- Whoever writes a run's input.
create function keep_input_out() returns trigger language plpgsql as $$
begin
  new.input := without_suppressed(new.actor, new.input);
  return new;
end $$;
create trigger keep_input_out before insert or update of input on runs
  for each row execute function keep_input_out();

-- Takes part in the run `id`: creates it where `input` is given and it is new; where it is over, it goes on. Answers
-- {number, actor, input, isSameInput}, null where there is no such run. A run of another actor or with another input
-- than given is left as it is.
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

-- A record of 10 MB or more, or of other bytes than JSON and text, is stored as it is.
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

-- `logs`: array of {at?, source, level, run_id?, message, context?}. A context of more than 8 KB is left out.
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

-- A run's log comes in pieces whose lengths count.
create function keep_log_out() returns trigger language plpgsql as $$
declare
  pattern text;
begin
  if has_suppressions() then
    pattern := suppressed_pattern((select r.actor from runs r where r.id = new.run_id), new.text);
    if pattern is not null then new.text := blank_log(new.text, null, pattern); end if;
  end if;
  return new;
end $$;
create trigger keep_log_out before insert on run_logs for each row execute function keep_log_out();
