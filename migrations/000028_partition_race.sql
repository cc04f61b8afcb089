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
