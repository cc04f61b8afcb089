-- What a handler did is one unit, committed with its request's mark.

-- One pushed item on its way.
create type pushed_item as (dataset text, key text, item jsonb, place bigint);

-- Lays the fields of each object over those before it.
create aggregate jsonb_merge(jsonb) (sfunc = jsonb_concat, stype = jsonb, initcond = '{}');

-- Stores `commits`, each `{id, attempt, outcome, items: [{dataset, key, item}], children: [request]}`, in one
-- transaction: the mark where owner and attempt match, then for those that were marked items, tables, children and
-- counters. Answers `"done"` or `"lost"` for each, in the same order; a commit that was stored before is done.
-- Whatever is written in several rows is written in the order of its keys, so that commits at the same time wait for
-- each other only in one direction.
create function commit_requests(run_number integer, owner text, commits jsonb) returns jsonb
language plpgsql as $$
declare
  marked integer[];
  handled bigint;
  result jsonb;
begin
  -- Waited for by whoever forgets a person, so that no commit that began before brings them back.
  perform pg_advisory_xact_lock_shared(919003);

  with given as materialized (
    select distinct on (c->>'id') c->>'id' as id, (c->>'attempt')::integer as attempt, c->>'outcome' as outcome, n
    from jsonb_array_elements(commits) with ordinality as e(c, n)
    order by c->>'id', n
  )
  select coalesce(array_agg(n), '{}'), count(*) filter (where outcome = 'handled')
  into marked, handled from given g
  where settle_request(commit_requests.run_number, owner, g.id, g.attempt, g.outcome);

  if cardinality(marked) > 0 then
    perform store_effects(commit_requests.run_number,
      array(select commits->(n - 1) from unnest(marked) as n order by n), handled, cardinality(marked) - handled);
  end if;

  select coalesce(jsonb_agg(case
    when f.state in ('handled', 'failed') and f.attempt = (c->>'attempt')::integer then 'done' else 'lost' end
    order by n), '[]')
  into result
  from jsonb_array_elements(commits) with ordinality as e(c, n)
  cross join lateral find_request(commit_requests.run_number, c->>'id') as f;
  return result;
end $$;

-- Items, tables, children and counters of commits whose requests were marked just now.
create function store_effects(run_number integer, commits jsonb[], handled bigint, failed bigint) returns void
language plpgsql as $$
declare
  pushed pushed_item[];
  children jsonb[] := array(
    select child from unnest(commits) as c, jsonb_array_elements(c->'children') as child);
  suppressing boolean := has_suppressions();
  counters text[] := array['total', 'handled', 'failed'];
  deltas bigint[];
  kind dataset_kinds;
  of_kind pushed_item[];
  unknown text;
  run_id text;
begin
  select array_agg(row(i->>'dataset', item_key(i->>'key'), i->'item', nextval('item_places'))::pushed_item)
  into pushed
  from unnest(commits) as c, jsonb_array_elements(c->'items') as i
  where not suppressing or not is_suppressed(i->'item');

  deltas := array[0, handled, failed];
  if pushed is not null then
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

-- An index takes keys of up to 2,700 bytes.
create function item_key(key text) returns text language sql immutable parallel safe
  return case when octet_length(key) <= 1000 then key else left(key, 200) || ':' || md5(key) end;

-- Adds items of one kind to the run's dataset by its merge rule; returns how many keys are new in it.
create function store_items(run_number integer, kind dataset_kinds, pushed pushed_item[]) returns bigint
language plpgsql as $$
declare
  target datasets := open_dataset(run_number, kind.dataset);
  added bigint;
begin
  if kind.merge = 'first' then
    insert into dataset_items (day, dataset_id, key, place, item)
    select distinct on (key) target.day, target.id, key, place, item
    from unnest(pushed) order by key, place
    on conflict do nothing;
    get diagnostics added = row_count;
    return added;
  end if;
  with merged as (
    select key, min(place) as place, jsonb_merge(item order by place) as item
    from unnest(pushed) where kind.merge = 'merge' group by key
    union all
    select * from (
      select distinct on (key) key, place, item
      from unnest(pushed) where kind.merge = 'newest' order by key, place desc) newest
  ), stored as (
    insert into dataset_items as t (day, dataset_id, key, place, item)
    select target.day, target.id, key, place, item from merged order by key
    on conflict (day, dataset_id, key) do update
      set item = case when kind.merge = 'merge' then t.item || excluded.item else excluded.item end
    returning t.key, t.place
  )
  -- What was there has kept its own place.
  select count(*) into added from stored join merged using (key, place);
  return added;
end $$;

-- Brings items into their table, in the order of their observation: where one key comes several times, the function
-- `upsert` is called once for each round of distinct keys.
create function upsert_items(upsert text, pushed pushed_item[], run_id text) returns void
language plpgsql as $$
declare
  round pushed_item[];
begin
  for round in
    select array_agg(row(dataset, key, item, place)::pushed_item order by key)
    from (
      select *, row_number() over (partition by key order by item->>'observed_at', place) as n from unnest(pushed)
    ) numbered
    group by n order by n
  loop
    perform upsert_isolated(upsert, round, run_id);
  end loop;
end $$;

-- Calls `upsert` with all items; where one is refused, with each half. What is refused alone goes to failed_items.
-- That costs a clean batch one savepoint, and a bad row among n about log2(n) of them.
create function upsert_isolated(upsert text, pushed pushed_item[], run_id text) returns void
language plpgsql as $$
declare
  half integer := cardinality(pushed) / 2;
  reason text;
begin
  begin
    execute format('select %I($1, $2)', upsert) using array(select item from unnest(pushed)), run_id;
    return;
  -- What is wrong with the data. Anything else, as a full disk or a deadlock, is no item's fault.
  exception when data_exception or integrity_constraint_violation or program_limit_exceeded or raise_exception then
    get stacked diagnostics reason = message_text;
  end;
  if half = 0 then
    insert into failed_items (run_id, dataset, key, item, reason)
    values (run_id, pushed[1].dataset, pushed[1].key, pushed[1].item, reason);
  else
    perform upsert_isolated(upsert, pushed[:half], run_id);
    perform upsert_isolated(upsert, pushed[half + 1:], run_id);
  end if;
end $$;
