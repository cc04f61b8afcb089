-- What the API needs of its own: tokens, an index of a list, and sums that are kept up to date as rows come and go, for
-- nothing that a dashboard shows may count millions of rows.

create table api_tokens (
  id integer generated always as identity primary key,
  name text not null check (name ~ '^[\w.-]{1,64}$'),
  scope text not null check (scope in ('read', 'run', 'admin')),
  -- SHA-256 of the token, which has 256 random bits.
  token_hash bytea not null unique,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);
create unique index api_tokens_name on api_tokens (name) where revoked_at is null;
alter table api_tokens enable row level security;

-- The valid token with this hash. Its use is noted, not more often than every five minutes.
create function use_api_token(hash bytea) returns setof api_tokens
language sql as $$
  update api_tokens set last_used_at = now()
  where token_hash = hash and revoked_at is null
    and (last_used_at is null or last_used_at < now() - interval '5 minutes');
  select * from api_tokens where token_hash = hash and revoked_at is null;
$$;

-- Rows of a table that came (or went, below 0) in an hour; all of what is older than eight days at '-infinity'. The
-- changes since the rows were summed up last stand beside them, one a statement: whoever writes waits for nobody.
create table row_counts (
  table_name text not null,
  hour timestamptz not null,
  rows bigint not null,
  primary key (table_name, hour)
);
create table row_count_changes (
  table_name text not null,
  hour timestamptz not null,
  rows bigint not null
);
alter table row_counts enable row level security;
alter table row_count_changes enable row level security;

create function note_row_count() returns trigger language plpgsql as $$
declare
  change bigint;
begin
  case tg_op
    when 'INSERT' then select count(*) into change from added;
    when 'DELETE' then select -count(*) into change from removed;
    else
      -- Emptied: whatever was counted is undone.
      select -coalesce(sum(c.rows), 0) into change from row_count_totals c where c.table_name = tg_table_name;
  end case;
  if change <> 0 then
    insert into row_count_changes (table_name, hour, rows) values (tg_table_name, date_trunc('hour', now()), change);
  end if;
  return null;
end $$;

-- Rows of each table that is counted: all, and how many more they are than a day and a week ago, by whole hours.
create view row_count_totals with (security_invoker = true) as
  select table_name, sum(rows)::bigint as rows,
    coalesce(sum(rows) filter (where hour > now() - interval '1 day'), 0)::bigint as growth_24h,
    coalesce(sum(rows) filter (where hour > now() - interval '7 days'), 0)::bigint as growth_7d
  from (select * from row_counts union all select * from row_count_changes) c
  group by table_name;

-- Counts `counted`, which has a column first_seen_at, from now on.
create function count_rows_of(counted regclass) returns void language plpgsql as $$
begin
  execute format('lock table %s in share row exclusive mode', counted);
  execute format('insert into row_counts select %L, h.hour, count(*) from %s t cross join lateral (select
    case when t.first_seen_at > now() - interval ''8 days'' then date_trunc(''hour'', t.first_seen_at)
    else ''-infinity'' end as hour) h group by h.hour', counted::text, counted);
  execute format('create trigger count_added after insert on %s referencing new table as added
    for each statement execute function note_row_count()', counted);
  execute format('create trigger count_removed after delete on %s referencing old table as removed
    for each statement execute function note_row_count()', counted);
  execute format('create trigger count_emptied before truncate on %s
    for each statement execute function note_row_count()', counted);
end $$;

-- Sums up the changes. Somebody has to, now and then; what is told is the same before and after.
create function fold_row_counts() returns void language plpgsql as $$
begin
  if not pg_try_advisory_xact_lock(919004) then return; end if;
  with changes as (
    delete from row_count_changes returning *
  ), aged as (
    delete from row_counts where hour < now() - interval '8 days' and hour > '-infinity' returning *
  )
  insert into row_counts as t (table_name, hour, rows)
  select table_name, case when hour < now() - interval '8 days' then '-infinity' else hour end, sum(rows)
  from (select * from changes union all select * from aged) c
  group by 1, 2
  on conflict (table_name, hour) do update set rows = t.rows + excluded.rows;
end $$;

select count_rows_of('reddit_subreddits'), count_rows_of('reddit_posts'), count_rows_of('reddit_users');

-- The ledger of calls by UTC day.
create table api_usage_days (
  day date not null,
  provider text not null,
  -- Empty: of no run.
  actor text not null,
  -- 0: no answer.
  status integer not null,
  calls bigint not null,
  units bigint not null,
  cost_usd numeric(14, 6) not null,
  primary key (day, provider, actor, status)
) with (fillfactor = 50);
alter table api_usage_days enable row level security;

create function add_usage_days() returns trigger language plpgsql as $$
begin
  insert into api_usage_days as t (day, provider, actor, status, calls, units, cost_usd)
  select (u.at at time zone 'utc')::date, u.provider, coalesce(r.actor, ''), coalesce(u.status, 0), count(*), sum(u.units), sum(u.cost_usd)
  from added u left join runs r on r.id = u.run_id
  group by 1, 2, 3, 4
  -- One order for all, so that nobody waits crosswise.
  order by 1, 2, 3, 4
  on conflict (day, provider, actor, status) do update
    set calls = t.calls + excluded.calls, units = t.units + excluded.units, cost_usd = t.cost_usd + excluded.cost_usd;
  return null;
end $$;
lock table api_usage in share row exclusive mode;
insert into api_usage_days (day, provider, actor, status, calls, units, cost_usd)
select (u.at at time zone 'utc')::date, u.provider, coalesce(r.actor, ''), coalesce(u.status, 0), count(*), sum(u.units), sum(u.cost_usd)
from api_usage u left join runs r on r.id = u.run_id group by 1, 2, 3, 4;
create trigger add_usage_days after insert on api_usage referencing new table as added
  for each statement execute function add_usage_days();

-- The list of a category's subreddits, which would read all of them without it.
create index reddit_subreddits_category on reddit_subreddits (primary_category, subscribers desc nulls last, id);
