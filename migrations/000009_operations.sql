-- What calls cost, what happened, and the clocks that processes of one crawl share.

-- The ledger of calls, written by the client that makes them: they happened, whatever becomes of the request.
create table api_usage (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  provider text not null,
  endpoint text not null,
  -- HTTP status; null: no answer.
  status integer,
  -- Calls, or what else the provider counts.
  units integer not null default 1,
  cost_usd numeric(14, 6) not null default 0,
  run_id text
);
create index api_usage_at on api_usage (at desc, id desc);
create index api_usage_provider on api_usage (provider, at) include (units, cost_usd);
create index api_usage_run on api_usage (run_id, at) include (units, cost_usd);

-- `usage`: array of {provider, endpoint, status, units?, cost_usd?, run_id?, at?}
create function record_usage(usage jsonb) returns void language sql as $$
  insert into api_usage (at, provider, endpoint, status, units, cost_usd, run_id)
  select coalesce(at, now()), provider, endpoint, status, coalesce(units, 1), coalesce(cost_usd, 0), run_id
  from jsonb_to_recordset(usage) as u(
    at timestamptz, provider text, endpoint text, status integer, units integer, cost_usd numeric, run_id text)
$$;

create table system_logs (
  id bigint generated always as identity,
  at timestamptz not null,
  day date not null,
  source text not null,
  level text not null check (level in ('trace', 'debug', 'info', 'warn', 'error', 'fatal')),
  run_id text,
  message text not null,
  context jsonb check (octet_length(context::text) <= 8192),
  primary key (day, id)
) partition by list (day);
create index system_logs_at on system_logs (at desc, id desc);
create index system_logs_source on system_logs (source, at desc, id desc);
create index system_logs_level on system_logs (level, at desc, id desc);
create index system_logs_run on system_logs (run_id, at desc, id desc);

-- `logs`: array of {at?, source, level, run_id?, message, context?}. A context of more than 8 KB is left out.
create function write_logs(logs jsonb) returns void language plpgsql as $$
declare
  day date;
begin
  for day in
    select distinct (coalesce((l->>'at')::timestamptz, now()) at time zone 'utc')::date
    from jsonb_array_elements(logs) as l
  loop
    perform ensure_partition('system_logs', day);
  end loop;
  insert into system_logs (at, day, source, level, run_id, message, context)
  select a.at, (a.at at time zone 'utc')::date, source, level, run_id, left(message, 8192),
    case when octet_length(context::text) <= 8192 then context
      else jsonb_build_object('omitted_bytes', octet_length(context::text)) end
  from jsonb_to_recordset(logs) as l(
    at timestamptz, source text, level text, run_id text, message text, context jsonb)
  cross join lateral (select coalesce(l.at, now()) as at) a;
end $$;

-- What a site counts as one client, for crawls that several processes share: pacing and backoff by the database's
-- clock. Names only, never a credential.
create table budgets (
  name text primary key,
  site text not null,
  -- Requests a window that are never exceeded, whatever the site allows.
  ceiling_requests integer not null,
  window_secs real not null,
  -- End of the present window; null: no answer has told.
  window_ends_at timestamptz,
  -- Requests that it still has, those in flight not subtracted.
  left_requests integer,
  in_flight integer not null default 0,
  last_sent_at timestamptz,
  backoff_began_at timestamptz,
  backoff_until timestamptz,
  throttled_in_a_row integer not null default 0,
  sent bigint not null default 0,
  throttled bigint not null default 0,
  updated_at timestamptz not null default now()
) with (fillfactor = 50);

create table identities (
  name text primary key,
  site text not null,
  budget text not null,
  -- Doubles its cool-down with each failure; a success halves the next one.
  cool_down_level integer not null default 0,
  cooling_since timestamptz,
  cool_until timestamptz,
  -- The failure that it cools down from; null: all is well.
  reason text,
  -- Why it is not used again, and what to check.
  retired text,
  last_success_at timestamptz,
  updated_at timestamptz not null default now()
) with (fillfactor = 50);

alter table api_usage enable row level security;
alter table system_logs enable row level security;
alter table budgets enable row level security;
alter table identities enable row level security;

-- Removes what is older than `retention_days`: items with their datasets, requests of runs that are over, logs. A run
-- that is not over keeps its items, for up to 30 days more.
create function drop_expired(retention_days integer) returns void
language plpgsql as $$
declare
  today date := (now() at time zone 'utc')::date;
  expired record;
begin
  for expired in
    select c.oid::regclass as partition, p.relname as parent, to_date(right(c.relname, 8), 'YYYYMMDD') as day
    from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
    where p.oid in ('dataset_items'::regclass, 'system_logs'::regclass)
      and to_date(right(c.relname, 8), 'YYYYMMDD') < today - retention_days
  loop
    continue when expired.parent = 'dataset_items' and expired.day >= today - retention_days - 30 and exists (
      select from datasets d join runs r on r.number = d.run_number
      where d.day = expired.day and r.finished_at is null);
    execute format('drop table %s', expired.partition);
    if expired.parent = 'dataset_items' then
      delete from run_counters c using datasets d
      where d.day = expired.day and c.run_number = d.run_number and c.counter = 'items:' || d.name;
      delete from datasets d where d.day = expired.day;
    end if;
  end loop;
  delete from requests q using runs r
  where q.run_number = r.number and r.finished_at < now() - make_interval(days => retention_days);
  delete from run_counters c using runs r
  where c.run_number = r.number and r.finished_at < now() - make_interval(days => retention_days);
end $$;
