-- Names as the sites have had them, and what becomes of work that nobody can use.

-- Why a lease is nobody's: what was handed out cannot be used. Null: it is `run_id`'s.
alter table work_leases add column reason text;

-- As 000008 has it; whoever takes over what was set aside long ago has it like any other work.
create or replace function lease_work(kind text, keys text[], run_id text) returns text[]
language sql as $$
  with leased as (
    insert into work_leases as t (kind, key, run_id)
    select lease_work.kind, key, lease_work.run_id from unnest(keys) as key order by key
    on conflict on constraint work_leases_pkey do update
      set run_id = excluded.run_id, leased_at = excluded.leased_at, expires_at = excluded.expires_at, reason = null
      where t.expires_at <= now()
    returning key
  )
  select coalesce(array_agg(key), '{}') from leased
$$;

-- `entries`: array of {entry, reason}, of what was leased to the run: a name, or an object with the `ig_user_id`. They are
-- handed out to nobody for a week; the program may know better by then.
create function set_work_aside(run_id text, entries jsonb) returns void
language sql as $$
  update work_leases w set run_id = '', expires_at = now() + interval '7 days', reason = e.reason
  from jsonb_to_recordset(entries) as e(entry jsonb, reason text)
  where w.run_id = set_work_aside.run_id and w.key = coalesce(e.entry->>'ig_user_id', lower(e.entry #>> '{}'))
$$;

alter table schedules
  -- Since when every firing has failed, when it last did, and why: it launched nothing. Null: the last one did what it had to.
  add column failing_since timestamptz,
  add column failed_at timestamptz,
  add column failure text,
  -- When a firing last found that nothing was due.
  add column nothing_due_at timestamptz;

-- A line that would be the same as the one before counts it instead: how often it was so, and since when. `at` is the last
-- time.
alter table schedule_logs
  add column times integer not null default 1,
  add column since timestamptz not null default now();
