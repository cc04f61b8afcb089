-- Datasets and records: what a commit brings into their tables, and what is done to them from outside a crawl.

-- Keys are listed in the order of their bytes.
alter table key_value_records alter column key type text collate "C";

-- Makes the partition of `parent` for `day`. Made apart and attached, because that does not stop who is writing;
-- `create table … partition of` would.
create or replace function ensure_partition(parent text, day date) returns void
language plpgsql as $$
declare
  partition text := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
begin
  if to_regclass(partition) is not null then return; end if;
  perform pg_advisory_xact_lock(hashtext('ensure_partition'), hashtext(parent));
  -- Somebody may have made it while this call waited. A look into the catalog: the session remembers what
  -- `to_regclass` did not find, and would not hear of it before it locks some table.
  if exists (select from pg_class c where c.relname = partition and c.relnamespace = current_schema()::regnamespace) then
    return;
  end if;
  execute format('create table %I (like %I including all excluding identity)', partition, parent);
  execute format('alter table %I enable row level security', partition);
  execute format('alter table %I attach partition %I for values in (%L)', parent, partition, day);
end $$;

-- Calls `upsert` with all items; where one is refused, with each quarter. What is refused alone goes to failed_items. That
-- costs a clean batch one savepoint. A bad row among 500 costs five calls that fail half way, and nineteen in all: with
-- halves more was written twice, with smaller parts the calls themselves cost more.
create or replace function upsert_isolated(upsert text, pushed pushed_item[], run_id text) returns void
language plpgsql as $$
declare
  part integer := greatest(1, ceil(cardinality(pushed) / 4.0));
  reason text;
begin
  begin
    execute format('select %I($1, $2)', upsert) using array(select item from unnest(pushed)), run_id;
    return;
  -- What is wrong with the data. Anything else, as a full disk or a deadlock, is no item's fault.
  exception when data_exception or integrity_constraint_violation or program_limit_exceeded or raise_exception then
    get stacked diagnostics reason = message_text;
  end;
  if cardinality(pushed) = 1 then
    insert into failed_items (run_id, dataset, key, item, reason)
    values (run_id, pushed[1].dataset, pushed[1].key, pushed[1].item, reason);
    return;
  end if;
  for low in 1..cardinality(pushed) by part loop
    perform upsert_isolated(upsert, pushed[low : low + part - 1], run_id);
  end loop;
end $$;

-- The place of item number `nth` of a dataset, from 0, counted from its end with `backwards`; null beyond it. Asked of
-- the partition itself, whose index alone answers: that the day is right need not be looked up in a million rows.
create function nth_place(day date, dataset_id integer, nth bigint, backwards boolean) returns bigint
language plpgsql stable strict
set enable_sort = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  place bigint;
begin
  execute format('select place from %I where dataset_id = $1 order by place %s offset $2 limit 1',
    'dataset_items_' || to_char(day, 'YYYYMMDD'), case when backwards then 'desc' else 'asc' end)
  into place using dataset_id, nth;
  return place;
end $$;

-- Adds `items`, each {key, item}, to a run's dataset by its merge rule, and brings them into its table: all or none.
create function push_items(run_number integer, dataset text, items jsonb) returns void
language plpgsql as $$
begin
  -- As a commit does: waited for by whoever forgets a person.
  perform pg_advisory_xact_lock_shared(919003);
  perform store_effects(push_items.run_number, array[jsonb_build_object(
    'items', (select coalesce(jsonb_agg(i || jsonb_build_object('dataset', dataset)), '[]')
      from jsonb_array_elements(items) as i),
    'children', '[]'::jsonb)], 0, 0);
end $$;

-- Removes a run's dataset with its items; its table stays.
create function delete_dataset(run_number integer, name text) returns void
language plpgsql as $$
declare
  dataset datasets;
begin
  delete from datasets d where d.run_number = delete_dataset.run_number and d.name = delete_dataset.name
  returning * into dataset;
  if not found then return; end if;
  delete from dataset_items i where i.day = dataset.day and i.dataset_id = dataset.id;
  delete from run_counters c
  where c.run_number = delete_dataset.run_number and c.counter = 'items:' || delete_dataset.name;
end $$;
