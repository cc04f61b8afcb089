-- What else a run storage needs of its run: items that are asked for, records, and how processes join and leave it.

-- Items of a run's dataset as they are by now, in the order of `keys`; null for what is not there.
create function get_items(run_number integer, dataset text, keys text[]) returns jsonb
language sql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  select coalesce(jsonb_agg((
    select i.item from dataset_items i
    where i.day = d.day and i.dataset_id = d.id and i.key = item_key(k.key)) order by k.n), '[]')
  from unnest(keys) with ordinality as k(key, n)
  left join datasets d on d.run_number = get_items.run_number and d.name = get_items.dataset
$$;

create function put_record(store text, key text, content_type text, value bytea) returns void
language sql as $$
  insert into key_value_records as t (store, key, content_type, value)
  values (put_record.store, put_record.key, put_record.content_type, put_record.value)
  on conflict on constraint key_value_records_pkey do update
    set content_type = excluded.content_type, value = excluded.value, updated_at = now()
$$;

create function delete_record(store text, key text) returns void
language sql as $$
  delete from key_value_records r where r.store = delete_record.store and r.key = delete_record.key
$$;

-- Takes part in the run `id`: creates it where `input` is given and it is new; where it is over, it goes on. Answers
-- {number, actor, input, isSameInput}, null where there is no such run. A run of another actor or with another input
-- than given is left as it is.
create function join_run(id text, actor text, input jsonb default null) returns jsonb
language plpgsql as $$
declare
  run runs;
begin
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

-- A process has ended its part of the run. That ends the run only when nobody else works on it, or nothing is left.
create function leave_run(id text, status text, message text) returns void
language sql as $$
  update runs r set status = leave_run.status, status_message = message
  where r.id = leave_run.id and (leave_run.status = 'SUCCEEDED' or r.status = 'RUNNING' and not exists (
    select from requests q
    where q.run_number = r.number and q.state = 'leased' and q.lease_expires_at > now()))
$$;
