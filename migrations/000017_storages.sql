-- What is done to a run's datasets and records from outside its crawl.

-- Keys are listed in the order of their bytes.
alter table key_value_records alter column key type text collate "C";

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
