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
