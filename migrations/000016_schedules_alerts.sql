-- Schedules, the work that any server or worker process may do for all of them, alerts, webhooks.

-- What starts when. `is_enabled` of a continuous scraper's schedule is its desired state; the actual one is its runs.
create table schedules (
  id text primary key,
  name text not null unique check (name ~ '^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$'),
  title text,
  description text not null default '',
  -- It launches runs of `actor`, or asks for `task` of maintenance.
  actor text,
  task text,
  check (num_nonnulls(actor, task) = 1),
  input jsonb not null,
  -- Of the runs: {timeoutSecs?, memoryMbytes?, maxItems?, maxCostUsd?, restartOnError?}
  options jsonb not null default '{}',
  cron text not null,
  timezone text not null,
  is_enabled boolean not null,
  -- Since when it is on, or off.
  switched_at timestamptz not null default now(),
  -- It does not launch while its previous run is alive.
  is_exclusive boolean not null,
  -- The continuous scraper that it drives.
  scraper text unique,
  -- The name under which the program brings it. It is made once; then it belongs to the operator.
  shipped text unique,
  created_at timestamptz not null default now(),
  modified_at timestamptz not null default now(),
  -- Null while it is off.
  next_fire_at timestamptz,
  last_fired_at timestamptz,
  last_run_id text
);
create index schedules_due on schedules (next_fire_at) where is_enabled;

create table schedule_logs (
  id bigint generated always as identity primary key,
  schedule_id text not null references schedules on delete cascade,
  at timestamptz not null default now(),
  level text not null check (level in ('INFO', 'WARN', 'ERROR')),
  message text not null
);
create index schedule_logs_schedule on schedule_logs (schedule_id, id desc);
create index schedule_logs_at on schedule_logs (at);

-- Jobs that exactly one process does: each so many seconds, or when a schedule has asked for it.
create table maintenance_jobs (
  name text primary key,
  requested_at timestamptz,
  -- The schedule that asked, and what it said.
  schedule_id text references schedules on delete set null,
  options jsonb not null default '{}',
  owner text,
  -- Before it nobody else begins: it is being done, or failed a short time ago.
  lease_expires_at timestamptz,
  started_at timestamptz,
  -- When it last succeeded.
  finished_at timestamptz,
  last_error text
);

-- Takes the job for `owner` when its time has come: it was asked for and not done, or last begun `every_secs` ago.
create function claim_job(name text, owner text, every_secs double precision, lease_secs double precision)
returns setof maintenance_jobs
language sql as $$
  insert into maintenance_jobs (name) select claim_job.name where every_secs is not null on conflict do nothing;
  update maintenance_jobs j
  set owner = claim_job.owner, started_at = clock_timestamp(),
    lease_expires_at = clock_timestamp() + make_interval(secs => lease_secs)
  where j.name = claim_job.name and coalesce(j.lease_expires_at <= clock_timestamp(), true)
    and (j.requested_at > coalesce(j.finished_at, '-infinity')
      or coalesce(j.started_at <= clock_timestamp() - make_interval(secs => every_secs), every_secs is not null))
  returning j.*
$$;

-- `error`: null when it succeeded. A job that failed and was asked for is tried again after `retry_secs`.
create function finish_job(name text, owner text, error text, retry_secs double precision) returns void
language sql as $$
  update maintenance_jobs j
  set last_error = error, finished_at = case when error is null then j.started_at else j.finished_at end,
    lease_expires_at = case when error is not null and j.requested_at > coalesce(j.finished_at, '-infinity')
      then clock_timestamp() + make_interval(secs => retry_secs) end
  where j.name = finish_job.name and j.owner = finish_job.owner
$$;

-- Servers and workers that do maintenance. One that has not told for two minutes is gone.
create table processes (
  id text primary key,
  kind text not null check (kind in ('server', 'worker')),
  name text not null,
  host text not null,
  pid integer not null,
  memory_bytes bigint not null,
  -- Of the file system that STORAGE_DIR is on, 0 to 1.
  disk_free_ratio double precision not null,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now()
) with (fillfactor = 50);

create table alerts (
  id bigint generated always as identity primary key,
  rule text not null,
  -- What it is about: a process, an actor, a host.
  subject text not null,
  message text not null,
  -- As last measured while it was open.
  value double precision not null,
  threshold double precision not null,
  opened_at timestamptz not null,
  last_seen_at timestamptz not null,
  closed_at timestamptz
);
create unique index alerts_open on alerts (rule, subject) where closed_at is null;
create index alerts_opened on alerts (opened_at desc, id desc);

-- Receivers of what happens to runs.
create table webhooks (
  id text primary key,
  -- ACTOR.RUN.CREATED, .SUCCEEDED, .FAILED, .TIMED_OUT, .ABORTED, .RESURRECTED
  event_types text[] not null,
  -- Of one actor, of one run; both null: of all.
  actor text,
  run_id text,
  request_url text not null,
  description text not null default '',
  is_enabled boolean not null default true,
  -- Two creations with one key make one webhook.
  idempotency_key text unique,
  created_at timestamptz not null default now(),
  modified_at timestamptz not null default now()
);

-- Messages on their way, and those that were delivered or given up.
create table webhook_dispatches (
  id text primary key default replace(gen_random_uuid()::text, '-', ''),
  -- Null: to the receiver of alerts.
  webhook_id text references webhooks on delete cascade,
  event_type text not null,
  run_id text,
  -- What it says, unless it is about a run, which is told as it is when the message is sent.
  body jsonb,
  status text not null default 'ACTIVE' check (status in ('ACTIVE', 'SUCCEEDED', 'FAILED')),
  attempts integer not null default 0,
  -- While it is being sent: when somebody else may try.
  next_attempt_at timestamptz not null default now(),
  -- {started_at, finished_at, status, error} of each attempt, oldest first.
  calls jsonb not null default '[]',
  created_at timestamptz not null default now()
);
create index webhook_dispatches_due on webhook_dispatches (next_attempt_at) where status = 'ACTIVE';
create index webhook_dispatches_webhook on webhook_dispatches (webhook_id, created_at);
create index webhook_dispatches_created on webhook_dispatches (created_at);

-- `breaches`: all that the `rules` measure beyond their thresholds now, array of {rule, subject, message, value,
-- threshold}. Opens and goes on with their alerts, closes those of `rules` that are not among them. With `notify` each
-- opening and closing becomes a message. Returns what was opened and closed.
create function apply_alerts(rules text[], breaches jsonb, at timestamptz, notify boolean)
returns table (event text, alert jsonb)
language plpgsql as $$
begin
  return query
  with breach as (
    select * from jsonb_to_recordset(breaches) as b(
      rule text, subject text, message text, value double precision, threshold double precision)
  ), closed as (
    update alerts a set closed_at = apply_alerts.at
    where a.closed_at is null and a.rule = any(rules)
      and not exists (select from breach b where b.rule = a.rule and b.subject = a.subject)
    returning a.*
  ), seen as (
    insert into alerts as a (rule, subject, message, value, threshold, opened_at, last_seen_at)
    select b.rule, b.subject, b.message, b.value, b.threshold, apply_alerts.at, apply_alerts.at from breach b
    on conflict (rule, subject) where closed_at is null do update
    set message = excluded.message, value = excluded.value, threshold = excluded.threshold,
      last_seen_at = excluded.last_seen_at
    returning a.*, a.xmax = 0 as is_new
  ), changes as (
    select 'ALERT.OPENED' as event, to_jsonb(seen) - 'is_new' as alert from seen where is_new
    union all
    select 'ALERT.CLOSED', to_jsonb(closed) from closed
  ), told as (
    insert into webhook_dispatches (event_type, body)
    select c.event, jsonb_build_object('event', c.event, 'at', apply_alerts.at, 'alert', c.alert)
    from changes c where notify
  )
  select c.event, c.alert from changes c;
end $$;

-- Takes messages whose time has come; whoever takes one has `lease_secs` to send it.
create function claim_dispatches(max integer, lease_secs double precision) returns setof webhook_dispatches
language sql as $$
  update webhook_dispatches d
  set attempts = d.attempts + 1, next_attempt_at = now() + make_interval(secs => lease_secs)
  where d.id in (
    select id from webhook_dispatches
    where status = 'ACTIVE' and next_attempt_at <= now()
    order by next_attempt_at limit max for update skip locked
  )
  returning d.*
$$;

-- What became of attempt `attempt`. `retry_secs`: null when there is no further one.
create function settle_dispatch(id text, attempt integer, call jsonb, is_delivered boolean, retry_secs double precision)
returns void
language sql as $$
  update webhook_dispatches d
  set calls = d.calls || call,
    status = case when is_delivered then 'SUCCEEDED' when retry_secs is null then 'FAILED' else 'ACTIVE' end,
    next_attempt_at = now() + make_interval(secs => coalesce(retry_secs, 0))
  where d.id = settle_dispatch.id and d.attempts = attempt and d.status = 'ACTIVE'
$$;

-- In the transaction that changes the run: no event is lost, none is told that did not happen.
create function dispatch_run_event() returns trigger
language plpgsql as $$
declare
  event text;
begin
  event := 'ACTOR.RUN.' || case
    when tg_op = 'INSERT' then 'CREATED'
    when is_final(new.status) then replace(new.status, '-', '_')
    else 'RESURRECTED' end;
  insert into webhook_dispatches (webhook_id, event_type, run_id)
  select w.id, event, new.id from webhooks w
  where w.is_enabled and event = any(w.event_types)
    and coalesce(w.actor = new.actor, true) and coalesce(w.run_id = new.id, true);
  return null;
end $$;
create trigger run_created after insert on runs for each row execute function dispatch_run_event();
create trigger run_changed after update of status on runs for each row
  when (is_final(new.status) <> is_final(old.status)) execute function dispatch_run_event();

alter table schedules enable row level security;
alter table schedule_logs enable row level security;
alter table maintenance_jobs enable row level security;
alter table processes enable row level security;
alter table alerts enable row level security;
alter table webhooks enable row level security;
alter table webhook_dispatches enable row level security;
