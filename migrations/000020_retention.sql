-- What becomes too old to be kept. `retention_days` is how long it is.

-- The partitions of `parent` for days before `before`.
create function old_partitions(parent text, before date) returns table (partition regclass, day date)
language sql stable as $$
  select c.oid::regclass, to_date(right(c.relname, 8), 'YYYYMMDD')
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent = parent::regclass and to_date(right(c.relname, 8), 'YYYYMMDD') < before
$$;

-- Removes what runs have left behind that is older than `retention_days`: items with their datasets, requests, records,
-- logs. A run that is not over keeps its items, for up to 30 days more. The runs themselves stay.
create or replace function drop_expired(retention_days integer) returns void
language plpgsql as $$
declare
  today date := (now() at time zone 'utc')::date;
  oldest timestamptz := now() - make_interval(days => retention_days);
  expired record;
begin
  for expired in select * from old_partitions('dataset_items', today - retention_days) loop
    continue when expired.day >= today - retention_days - 30 and exists (
      select from datasets d join runs r on r.number = d.run_number
      where d.day = expired.day and r.finished_at is null);
    execute format('drop table %s', expired.partition);
    delete from run_counters c using datasets d
    where d.day = expired.day and c.run_number = d.run_number and c.counter = 'items:' || d.name;
    delete from datasets d where d.day = expired.day;
  end loop;
  delete from requests q using runs r where q.run_number = r.number and r.finished_at < oldest;
  delete from run_counters c using runs r where c.run_number = r.number and r.finished_at < oldest;
  delete from key_value_records k using runs r where k.store = r.id and r.finished_at < oldest;
  delete from run_logs l using runs r where l.run_id = r.id and r.finished_at < oldest;
end $$;

-- Removes what was logged, alerted and sent more than `retention_days` ago. Returns how many days of logs went.
create function drop_old_logs(retention_days integer) returns integer
language plpgsql as $$
declare
  oldest timestamptz := now() - make_interval(days => retention_days);
  dropped integer := 0;
  expired record;
begin
  for expired in select * from old_partitions('system_logs', (oldest at time zone 'utc')::date) loop
    execute format('drop table %s', expired.partition);
    dropped := dropped + 1;
  end loop;
  delete from schedule_logs where at < oldest;
  delete from alerts where closed_at < oldest;
  delete from webhook_dispatches where created_at < oldest and status <> 'ACTIVE';
  delete from processes where heartbeat_at < oldest;
  return dropped;
end $$;
