-- Runs that a worker carries out. The row is the truth: whoever writes says which attempt of the run it is, and changes
-- nothing when that is not the present one.

alter table runs
  -- A worker's; others are crawled by whoever joined them, and nobody here ends them.
  add column is_managed boolean not null default false,
  -- Which workers may take it.
  add column class text not null default 'http' check (class in ('http', 'browser', 'media')),
  add column priority integer not null default 0,
  add column origin text not null default 'CLI' check (origin in ('API', 'SCHEDULER', 'CLI', 'WEB')),
  add column schedule_id text,
  add column rerun_of text,
  add column memory_mbytes integer not null default 1024 check (memory_mbytes > 0),
  -- 0: none.
  add column timeout_secs integer not null default 0 check (timeout_secs >= 0),
  add column max_items integer check (max_items > 0),
  add column max_cost_usd numeric(14, 6) check (max_cost_usd > 0),
  add column restart_on_error boolean not null default false,
  -- Not before this time.
  add column start_after timestamptz,
  add column worker text,
  -- Set while an attempt has it, and only then. Past: the worker is lost, and the run may be taken from it.
  add column lease_expires_at timestamptz,
  add column attempt_started_at timestamptz,
  add column heartbeat_at timestamptz,
  add column timeout_at timestamptz,
  -- What was asked of the present attempt, and when.
  add column abort text check (abort in ('graceful', 'kill')),
  add column abort_at timestamptz,
  add column exit_code integer,
  add column status_message_is_terminal boolean not null default false,
  add column resurrect_count integer not null default 0,
  -- Attempts in a row that were lost, or failed and are to be repeated.
  add column lost_count integer not null default 0,
  -- Of all attempts that have ended; the time between them does not count.
  add column ran_secs double precision not null default 0,
  -- What of it the timeout does not count: a resurrected run has its time anew.
  add column timeout_from_secs double precision not null default 0,
  add column cost_usd numeric(14, 6) not null default 0,
  -- Apify's names: memAvgBytes, memMaxBytes, memCurrentBytes, cpuAvgUsage, …
  add column stats jsonb not null default '{}',
  -- Counters of the crawl: requestsFinished, requestsFailed, …
  add column progress jsonb not null default '{}',
  add column modified_at timestamptz not null default now();

create index runs_modified on runs (modified_at, id);
create index runs_actor on runs (actor, created_at desc, id);
create index runs_schedule on runs (schedule_id, created_at desc) where schedule_id is not null;
create index runs_leased on runs (lease_expires_at) where lease_expires_at is not null;
-- What ended within an hour or a day, for alerts, and long ago, for what is removed then.
create index runs_finished on runs (finished_at) where finished_at is not null;

create function note_modification() returns trigger language plpgsql as $$
begin
  -- Not the transaction's beginning: who asks for what is newer than the last answer must not miss a slow one.
  new.modified_at := clock_timestamp();
  return new;
end $$;
create trigger note_modification before update on runs for each row execute function note_modification();

-- A run's log, in pieces: `start_offset` counts bytes of UTF-8 from 0, and the pieces leave no gap.
create table run_logs (
  run_id text not null,
  start_offset bigint not null,
  at timestamptz not null default now(),
  text text not null,
  primary key (run_id, start_offset)
);
alter table run_logs enable row level security;

create function run_log_size(run_id text) returns bigint
language sql stable as $$
  select coalesce((
    select l.start_offset + octet_length(l.text) from run_logs l
    where l.run_id = run_log_size.run_id order by l.start_offset desc limit 1), 0)
$$;

-- A line as a worker writes them.
create function log_line(level text, message text) returns text language sql stable
  return to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    || ' ' || rpad(level, 5) || ' ' || message || E'\n';

-- A line of nobody's: what happens to a run between its attempts. Only within a transaction that has locked the run.
create function log_of_run(run_id text, level text, message text) returns void
language sql as $$
  insert into run_logs (run_id, start_offset, text)
  values (log_of_run.run_id, run_log_size(log_of_run.run_id), log_line(level, message))
  on conflict do nothing
$$;

-- Appends to logs, each `{runId, attempt, offset, text}`; what is not the present attempt's is left out. Repeating a call
-- changes nothing.
create function append_run_logs(pieces jsonb) returns void
language plpgsql as $$
declare
  piece record;
begin
  -- One by one in the order of their ids, as heartbeats: the two never wait for each other crosswise.
  for piece in
    select * from jsonb_to_recordset(pieces) as p("runId" text, attempt integer, "offset" bigint, text text)
    order by "runId", "offset"
  loop
    insert into run_logs (run_id, start_offset, text)
    select piece."runId", piece."offset", piece.text where holds_run(piece."runId", piece.attempt)
    on conflict do nothing;
  end loop;
end $$;

-- A new run, READY. False when it is there already: then it is the answer to a call that is repeated.
create function launch_run(run jsonb) returns boolean
language plpgsql as $$
begin
  insert into runs (id, actor, input, is_managed, class, priority, origin, schedule_id, rerun_of, memory_mbytes,
    timeout_secs, max_items, max_cost_usd, restart_on_error, start_after)
  select id, actor, input, true, class, priority, origin, "scheduleId", "rerunOf", "memoryMbytes",
    "timeoutSecs", "maxItems", "maxCostUsd", "restartOnError", "startAfter"
  from jsonb_to_record(run) as r(id text, actor text, input jsonb, class text, priority integer, origin text,
    "scheduleId" text, "rerunOf" text, "memoryMbytes" integer, "timeoutSecs" integer, "maxItems" integer,
    "maxCostUsd" numeric, "restartOnError" boolean, "startAfter" timestamptz)
  on conflict do nothing;
  return found;
end $$;

-- What `due` was expanded to.
create function set_run_input(id text, input jsonb) returns void
language sql as $$
  update runs r set input = set_run_input.input where r.id = set_run_input.id
$$;

-- A READY run for which there is nothing to do.
create function finish_unstarted_run(id text, message text) returns void
language sql as $$
  update runs r set status = 'SUCCEEDED', status_message = message
  where r.id = finish_unstarted_run.id and r.status = 'READY'
$$;

-- A READY run becomes `worker`'s. Null when it is not READY (any more).
create function lease_run(id text, worker text, lease_secs double precision) returns jsonb
language plpgsql as $$
declare
  run runs;
begin
  update runs r set
    status = 'RUNNING', status_message = null, status_message_is_terminal = false, worker = lease_run.worker,
    attempt = r.attempt + 1, lease_expires_at = now() + make_interval(secs => lease_secs), heartbeat_at = now(),
    started_at = coalesce(r.started_at, now()), attempt_started_at = now(),
    timeout_at = case when r.timeout_secs > 0 then
      now() + make_interval(secs => r.timeout_secs - (r.ran_secs - r.timeout_from_secs)) end,
    abort = null, abort_at = null, exit_code = null
  where r.id = lease_run.id and r.status = 'READY'
  returning r.* into run;
  if not found then return null; end if;
  return jsonb_build_object('id', run.id, 'actor', run.actor, 'attempt', run.attempt, 'input', run.input,
    'memoryMbytes', run.memory_mbytes, 'maxItems', run.max_items, 'stats', run.stats, 'ranSecs', run.ran_secs,
    'logSize', run_log_size(run.id));
end $$;

-- Renews the leases of a worker's runs and keeps what it tells, `{id, attempt, stats, progress}` each. Answers the ids
-- of those that are still its own. A run that has cost its limit is being aborted from here on.
create function heartbeat_runs(beats jsonb, lease_secs double precision) returns text[]
language plpgsql as $$
declare
  beat record;
  run runs;
  kept text[] := '{}';
begin
  -- One by one in the order of their ids: two such calls never wait for each other crosswise.
  for beat in
    select * from jsonb_to_recordset(beats) as b(id text, attempt integer, stats jsonb, progress jsonb) order by id
  loop
    update runs r set
      lease_expires_at = now() + make_interval(secs => lease_secs), heartbeat_at = now(),
      stats = beat.stats, progress = beat.progress,
      -- The sum of a long run's calls is not for every few seconds, unless somebody waits for it.
      cost_usd = case
        when r.max_cost_usd is null and now() < date_trunc('minute', r.heartbeat_at) + interval '1 minute'
        then r.cost_usd else run_cost(r.id) end
    where r.id = beat.id and r.attempt = beat.attempt and r.lease_expires_at is not null
    returning r.* into run;
    continue when not found;
    kept := kept || beat.id;
    if run.status = 'RUNNING' and run.cost_usd >= run.max_cost_usd then
      update runs r set status = 'ABORTING', abort = 'graceful', abort_at = now(),
        status_message = format('its limit of %s USD is reached', trim_scale(r.max_cost_usd))
      where r.id = run.id;
    end if;
  end loop;
  return kept;
end $$;

create function run_cost(run_id text) returns numeric
language sql stable as $$
  select coalesce(sum(u.cost_usd), 0) from api_usage u where u.run_id = run_cost.run_id
$$;

-- The time of an attempt that has ended by `at`.
create function attempt_secs(run runs, at timestamptz) returns double precision language sql stable
  return greatest(0, coalesce(extract(epoch from at - run.attempt_started_at), 0));

-- Ends the attempt that has `run`, as `status`; an abort or timeout that was under way makes it ABORTED or TIMED-OUT.
-- A run that failed and is to be restarted, or was lost or handed back, is READY again. Returns its status.
create function end_attempt(
  run runs, status text, message text, exit_code integer default null, ended_at timestamptz default now()
) returns text
language plpgsql as $$
declare
  final text := case run.status when 'ABORTING' then 'ABORTED' when 'TIMING-OUT' then 'TIMED-OUT' else end_attempt.status end;
begin
  update runs r set
    status = final,
    status_message = case when r.status_message_is_terminal and is_final(final) then r.status_message else message end,
    exit_code = end_attempt.exit_code,
    worker = case when is_final(final) then r.worker end,
    lease_expires_at = null, attempt_started_at = null, timeout_at = null,
    ran_secs = r.ran_secs + attempt_secs(run, ended_at), cost_usd = run_cost(r.id)
  where r.id = run.id;
  return final;
end $$;

-- The present attempt of a run, locked; null when `attempt` is not.
create function lock_attempt(id text, attempt integer) returns runs
language sql as $$
  select * from runs r
  where r.id = lock_attempt.id and r.attempt = lock_attempt.attempt and r.lease_expires_at is not null for update
$$;

-- An attempt has ended by itself. Returns the run's status, null when it was not the present attempt any more.
create function finish_run(
  id text, attempt integer, status text, message text, exit_code integer, stats jsonb, progress jsonb
) returns text
language plpgsql as $$
declare
  run runs := lock_attempt(id, attempt);
begin
  if run.id is null then return null; end if;
  update runs r set stats = finish_run.stats, progress = finish_run.progress where r.id = run.id;
  if status = 'FAILED' and run.status = 'RUNNING' and run.restart_on_error then
    return repeat_attempt(run, message, exit_code);
  end if;
  return end_attempt(run, status, message, exit_code);
end $$;

-- READY again after a loss or failure; FAILED when that was the third one in a row. An attempt that has lived for ten
-- minutes begins a new row.
create function repeat_attempt(
  run runs, reason text, exit_code integer default null, ended_at timestamptz default now()
) returns text
language plpgsql as $$
declare
  losses integer := case when attempt_secs(run, ended_at) > 600 then 1 else run.lost_count + 1 end;
begin
  update runs r set lost_count = losses where r.id = run.id;
  if losses >= 3 then
    return end_attempt(run, 'FAILED', format('%s, %s times in a row', reason, losses), exit_code, ended_at);
  end if;
  return end_attempt(run, 'READY', reason, exit_code, ended_at);
end $$;

-- Its worker leaves the run to others. Returns its status, null when it was not the present attempt any more.
create function hand_back_run(id text, attempt integer, reason text) returns text
language plpgsql as $$
declare
  run runs := lock_attempt(id, attempt);
begin
  if run.id is null then return null; end if;
  return end_attempt(run, 'READY', reason);
end $$;

-- The run has had its time. Returns what to say; null when it is over, being aborted, another attempt's, or has time.
create function time_out_run(id text, attempt integer) returns text
language plpgsql as $$
declare
  message text;
begin
  update runs r set status = 'TIMING-OUT', status_message = format('its %s s are over', r.timeout_secs)
  where r.id = time_out_run.id and r.attempt = time_out_run.attempt and r.status in ('RUNNING', 'TIMING-OUT')
    and r.timeout_at <= now()
  returning r.status_message into message;
  return message;
end $$;

-- Takes runs from workers that are lost: they are READY again, or over. Not right after the database was away, when all
-- leases have run out and every worker is about to renew its own. It waits for its turn: the processes of a lost worker
-- may still be writing, and always hold the row when it is looked at.
create function reap_runs(grace_secs double precision) returns table (run_id text, status text)
language plpgsql as $$
declare
  run runs;
begin
  if pg_postmaster_start_time() > now() - make_interval(secs => grace_secs) then return; end if;
  for run in
    select * from runs r where r.lease_expires_at < now() order by r.id for update
  loop
    run_id := run.id;
    status := repeat_attempt(run, format('worker %s was lost', run.worker), null, run.heartbeat_at);
    perform log_of_run(run.id, 'WARN', format('worker %s was lost: the run is %s', run.worker, status));
    return next;
  end loop;
end $$;

-- Work stays leased for as long as its run lasts.
create function renew_work_leases() returns void
language sql as $$
  update work_leases w set expires_at = now() + interval '1 day'
  from runs r
  where r.finished_at is null and r.is_managed and w.run_id = r.id and w.expires_at < now() + interval '12 hours'
$$;

-- Asks for a run's end. READY: it is ABORTED. An attempt that has it is told by its worker; a kill replaces a graceful
-- end that was asked for before, not the other way round. What is over stays as it is.
create function abort_run(id text, how text) returns void
language plpgsql as $$
declare
  run runs;
begin
  -- Nobody writes for a READY run, and one that has an attempt keeps it.
  select * into run from runs r where r.id = abort_run.id for no key update;
  if run.status = 'READY' then
    perform end_attempt(run, 'ABORTED', 'aborted before it started');
    perform log_of_run(id, 'INFO', 'aborted before it started');
  elsif run.status in ('RUNNING', 'TIMING-OUT', 'ABORTING') then
    update runs r set
      status = 'ABORTING', status_message = 'aborted on request',
      abort = case when r.abort = 'kill' then 'kill' else how end, abort_at = coalesce(r.abort_at, now())
    where r.id = run.id;
  end if;
end $$;

-- A run that is over is READY again, on the storages that it has. False when it is not over.
create function resurrect_run(id text, timeout_secs integer default null, memory_mbytes integer default null)
returns boolean
language plpgsql as $$
begin
  update runs r set
    status = 'READY', status_message = null, status_message_is_terminal = false, is_managed = true,
    resurrect_count = r.resurrect_count + 1, lost_count = 0, timeout_from_secs = r.ran_secs, start_after = null,
    abort = null, abort_at = null, exit_code = null, worker = null,
    timeout_secs = coalesce(resurrect_run.timeout_secs, r.timeout_secs),
    memory_mbytes = coalesce(resurrect_run.memory_mbytes, r.memory_mbytes)
  where r.id = resurrect_run.id and is_final(r.status);
  if found then perform log_of_run(id, 'INFO', 'resurrected'); end if;
  return found;
end $$;

create function update_run(id text, message text, is_terminal boolean) returns void
language sql as $$
  update runs r set status_message = coalesce(message, r.status_message),
    status_message_is_terminal = coalesce(is_terminal, r.status_message_is_terminal)
  where r.id = update_run.id
$$;

-- Removes a run that is over with its log, requests, items and records; tables and costs stay. False when it is not over.
create function remove_run(id text) returns boolean
language plpgsql as $$
declare
  run runs;
begin
  select * into run from runs r where r.id = remove_run.id and is_final(r.status) for update;
  if not found then return false; end if;
  delete from dataset_items i using datasets d
    where d.run_number = run.number and i.day = d.day and i.dataset_id = d.id;
  delete from datasets d where d.run_number = run.number;
  delete from requests q where q.run_number = run.number;
  delete from run_counters c where c.run_number = run.number;
  delete from key_value_records k where k.store = run.id;
  delete from run_logs l where l.run_id = run.id;
  delete from runs r where r.id = run.id;
  return true;
end $$;
