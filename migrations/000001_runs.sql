-- Runs, their request queues, datasets and records. No foreign keys on what a crawl writes thousands of times a
-- second: each would lock the run's row once a row written.

create table runs (
  id text primary key,
  -- Stands for the run in its requests and items, where 17 characters a row and index entry would tell.
  number integer generated always as identity unique,
  actor text not null,
  status text not null default 'READY' check (status in (
    'READY', 'RUNNING', 'SUCCEEDED', 'FAILED', 'TIMING-OUT', 'TIMED-OUT', 'ABORTING', 'ABORTED')),
  status_message text,
  input jsonb,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz
);

create index runs_created on runs (created_at desc, id);
create index runs_unfinished on runs (created_at) where finished_at is null;

create function is_final(status text) returns boolean language sql immutable
  return status in ('SUCCEEDED', 'FAILED', 'TIMED-OUT', 'ABORTED');

-- The run `id`, created when it is new. Returns its number.
create function open_run(id text, actor text, input jsonb default null) returns integer
language plpgsql as $$
declare
  found_number integer;
begin
  insert into runs (id, actor, input, status, started_at)
  values (open_run.id, open_run.actor, open_run.input, 'RUNNING', now())
  on conflict on constraint runs_pkey do nothing;
  select number into found_number from runs where runs.id = open_run.id;
  return found_number;
end $$;

-- Requests. State machine: pending -> leased -> handled | failed, back to pending or delayed by a reclaim or
-- when the lease expires.
create table requests (
  run_number integer not null,
  id text collate "C" not null,
  unique_key text not null,
  url text not null,
  label text not null,
  user_data jsonb not null,
  priority integer not null,
  -- Which call with `forefront` added it, the last one the highest; 0: none.
  forefront bigint not null,
  -- Its place among equals.
  place bigint not null,
  state text not null default 'pending'
    check (state in ('pending', 'leased', 'delayed', 'handled', 'failed')),
  -- How often it was claimed: the fence of every later call about it.
  attempt integer not null default 0,
  -- One a counted retry, oldest first.
  error_messages text[] not null default '{}',
  not_before timestamptz,
  -- Stays when the request is settled: who did it.
  lease_owner text,
  -- Set while it is leased, and only then.
  lease_expires_at timestamptz,
  added_at timestamptz not null default now(),
  settled_at timestamptz,
  primary key (run_number, id)
) with (
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_insert_scale_factor = 0.05
);

create sequence request_places;

-- One index a state, each in the order in which the state is worked off and listed.
create index requests_pending on requests (run_number, forefront desc, priority desc, place)
  where state = 'pending';
create index requests_leased on requests (run_number, lease_expires_at, id) where state = 'leased';
create index requests_delayed on requests (run_number, not_before, id) where state = 'delayed';
create index requests_settled on requests (run_number, state, place) where state in ('handled', 'failed');

-- Exact sums, written in the transaction that changes what they count. Sharded by connection, so that processes of
-- one run do not wait for each other. Counters: `total`, `handled`, `failed`, `items:<dataset>`.
create table run_counters (
  run_number integer not null,
  counter text not null,
  shard smallint not null,
  value bigint not null,
  primary key (run_number, counter, shard)
) with (fillfactor = 50);

create function count_up(run_number integer, counters text[], deltas bigint[]) returns void
language sql as $$
  insert into run_counters as t (run_number, counter, shard, value)
  select count_up.run_number, counter, pg_backend_pid() % 16, sum(delta)
  from unnest(counters, deltas) as d(counter, delta)
  where delta <> 0
  group by counter
  order by counter
  on conflict on constraint run_counters_pkey do update set value = t.value + excluded.value
$$;

-- What an actor may push, and what becomes of it: registered by the migrations that make the tables.
create table dataset_kinds (
  dataset text primary key,
  -- Of two items with one key in a run: the first stays, the second's fields are laid over it, or replaces it.
  merge text not null check (merge in ('first', 'merge', 'newest')),
  -- Function (items jsonb[], run_id text) that brings items into tables; null: the dataset has none.
  upsert text
);

create table datasets (
  id integer generated always as identity primary key,
  run_number integer not null,
  name text not null references dataset_kinds,
  -- Names the partition of its items: they are dropped together.
  day date not null default (now() at time zone 'utc')::date,
  created_at timestamptz not null default now(),
  unique (run_number, name)
);

create index datasets_day on datasets (day);

create table dataset_items (
  day date not null,
  dataset_id integer not null,
  key text collate "C" not null,
  -- Order of first sight.
  place bigint not null,
  item jsonb not null,
  primary key (day, dataset_id, key)
) partition by list (day);

create index dataset_items_place on dataset_items (dataset_id, place);

create sequence item_places cache 100;

-- Any bytes up to 100 MB, not compressed: they are read as they were written. A store is a run's own (its id), or
-- one that outlives runs (the actor's name).
create table key_value_records (
  store text not null,
  key text not null check (key ~ '^[a-zA-Z0-9!\-_.''()]+$' and length(key) <= 256),
  content_type text not null,
  value bytea not null check (octet_length(value) <= 104857600),
  updated_at timestamptz not null default now(),
  primary key (store, key)
);
alter table key_value_records alter column value set storage external;

-- Items that a commit had to refuse, with the reason.
create table failed_items (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  run_id text,
  dataset text not null,
  key text not null,
  item jsonb not null,
  reason text not null
);
create index failed_items_at on failed_items (at desc, id desc);
create index failed_items_run on failed_items (run_id, at desc);

-- Makes the partition of `parent` for `day`. Made apart and attached, because that does not stop who is writing;
-- `create table … partition of` would.
create function ensure_partition(parent text, day date) returns void
language plpgsql as $$
declare
  partition text := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
begin
  if to_regclass(partition) is not null then return; end if;
  perform pg_advisory_xact_lock(hashtext('ensure_partition'), hashtext(parent));
  if to_regclass(partition) is not null then return; end if;
  execute format('create table %I (like %I including all excluding identity)', partition, parent);
  execute format('alter table %I enable row level security', partition);
  execute format('alter table %I attach partition %I for values in (%L)', parent, partition, day);
end $$;

-- The dataset `name` of a run, created when it is new.
create function open_dataset(run_number integer, name text) returns datasets
language plpgsql as $$
declare
  dataset datasets;
begin
  select * into dataset from datasets d
  where d.run_number = open_dataset.run_number and d.name = open_dataset.name;
  if found then return dataset; end if;
  insert into datasets as d (run_number, name) values (open_dataset.run_number, open_dataset.name)
  on conflict do nothing;
  select * into dataset from datasets d
  where d.run_number = open_dataset.run_number and d.name = open_dataset.name;
  perform ensure_partition('dataset_items', dataset.day);
  return dataset;
end $$;

-- Tables are for the owner alone: on a server whose REST interface shows this schema, nobody else sees a row.
alter table runs enable row level security;
alter table requests enable row level security;
alter table run_counters enable row level security;
alter table dataset_kinds enable row level security;
alter table datasets enable row level security;
alter table dataset_items enable row level security;
alter table key_value_records enable row level security;
alter table failed_items enable row level security;
