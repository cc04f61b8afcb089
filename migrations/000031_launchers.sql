-- Who launches runs and stores what: tokens of scope run have limits.

-- The token; null: a schedule, the command line, or the token of the settings.
alter table runs add column launched_by integer;
create index runs_launched_by on runs (launched_by) where launched_by is not null and finished_at is null;

-- A new run, READY. False when it is there already: then it is the answer to a call that is repeated.
create or replace function launch_run(run jsonb) returns boolean
language plpgsql as $$
begin
  insert into runs (id, actor, input, is_managed, class, priority, origin, schedule_id, rerun_of, memory_mbytes,
    timeout_secs, max_items, max_cost_usd, restart_on_error, start_after, launched_by)
  select id, actor, input, true, class, priority, origin, "scheduleId", "rerunOf", "memoryMbytes",
    "timeoutSecs", "maxItems", "maxCostUsd", "restartOnError", "startAfter", "launchedBy"
  from jsonb_to_record(run) as r(id text, actor text, input jsonb, class text, priority integer, origin text,
    "scheduleId" text, "rerunOf" text, "memoryMbytes" integer, "timeoutSecs" integer, "maxItems" integer,
    "maxCostUsd" numeric, "restartOnError" boolean, "startAfter" timestamptz, "launchedBy" integer)
  on conflict do nothing;
  return found;
end $$;

-- Whoever resurrects a run has launched it: it counts among their runs.
create function resurrect_run(id text, timeout_secs integer, memory_mbytes integer, launched_by integer) returns boolean
language plpgsql as $$
begin
  if not resurrect_run(id, timeout_secs, memory_mbytes) then return false; end if;
  update runs r set launched_by = resurrect_run.launched_by where r.id = resurrect_run.id;
  return true;
end $$;

-- What a token's runs are by now: {queued: how many wait for a worker, runningMbytes: memory of those that have one}.
-- Until the transaction ends nobody else is told: of two that launch at once the second counts the first one's run.
create function token_load(token integer) returns jsonb
language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtext('token_load'), token);
  return (select jsonb_build_object(
      'queued', count(*) filter (where r.lease_expires_at is null),
      'runningMbytes', coalesce(sum(r.memory_mbytes) filter (where r.lease_expires_at is not null), 0))
    from runs r where r.launched_by = token and r.finished_at is null);
end $$;

-- Bytes that a token has stored, by UTC day.
create table token_bytes (
  token_id integer not null,
  day date not null,
  bytes bigint not null,
  primary key (token_id, day)
);
alter table token_bytes enable row level security;

-- Counts `bytes` among those that the token has stored within `days`, after which they are removed. False, and nothing is
-- counted, when that would be more than `max`. Below 0: they were not stored after all.
create function count_token_bytes(token integer, bytes bigint, max bigint, days integer) returns boolean
language plpgsql as $$
declare
  today date := (now() at time zone 'utc')::date;
begin
  perform pg_advisory_xact_lock(hashtext('token_bytes'), token);
  delete from token_bytes t where t.token_id = token and t.day <= today - days;
  if bytes > 0 and bytes + (
    select coalesce(sum(t.bytes), 0) from token_bytes t where t.token_id = token) > max then
    return false;
  end if;
  insert into token_bytes as t (token_id, day, bytes) values (token, today, count_token_bytes.bytes)
  on conflict (token_id, day) do update set bytes = t.bytes + excluded.bytes;
  return true;
end $$;
