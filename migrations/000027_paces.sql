-- Rates whose window is shorter than an answer takes: calls of all processes keep an even distance. A process takes
-- times for some calls ahead; one that it does not use is lost.
create table paces (
  -- As that of the budget of the same client.
  name text primary key,
  -- Time of the last call that was handed out, which may be in the future.
  last_at timestamptz not null default '-infinity',
  -- The site has refused, or has nothing left: nobody calls before this.
  closed_until timestamptz not null default '-infinity'
) with (fillfactor = 50);
alter table paces enable row level security;

-- `ask`: {gapMs, want: <at most so many calls>, closeMs: <the site wants quiet for so long> | null}.
-- Answers {slots, firstInMs, retryInMs, closedInMs}: `slots` calls may go, `gapMs` apart, the first one in `firstInMs`;
-- with none, ask again after `retryInMs`.
create function pace_turn(pace text, ask jsonb) returns jsonb
language plpgsql as $$
declare
  -- Nobody takes times further ahead: who comes next shall not wait long.
  horizon constant interval := '500 ms';
  gap interval := (ask->>'gapMs')::double precision * interval '1 ms';
  p paces;
  at timestamptz;
  first_at timestamptz;
  granted integer := 0;
begin
  insert into paces (name) values (pace) on conflict do nothing;
  select * into p from paces where name = pace for update;
  -- Whoever had to wait for the row has a later time than its transaction began with.
  at := clock_timestamp();
  p.closed_until := greatest(p.closed_until, at + (ask->>'closeMs')::double precision * interval '1 ms');
  first_at := greatest(at, p.last_at + gap, p.closed_until);
  if first_at <= at + horizon then
    granted := least((ask->>'want')::integer,
      1 + floor(ms_between(at + horizon, first_at) / (ask->>'gapMs')::double precision));
  end if;
  if granted > 0 then p.last_at := first_at + (granted - 1) * gap; end if;
  update paces t set last_at = p.last_at, closed_until = p.closed_until where t.name = pace;
  return jsonb_build_object(
    'slots', granted,
    'firstInMs', ms_between(first_at, at),
    'retryInMs', case when granted = 0 then greatest(ms_between(first_at, at) - 250, 20) end,
    'closedInMs', case when p.closed_until > at then ms_between(p.closed_until, at) end);
end $$;
