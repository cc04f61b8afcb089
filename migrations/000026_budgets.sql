-- What is known of a shared budget, and what is only assumed. A window is a new one only when it cannot be the present
-- one: an answer that was slow, or that waited for the database, makes its window end later than it does, and what was
-- left by then would be given out once more. After a 429 only what was sent since tells what is left. A window that no
-- answer has told is not larger than the last one that was told, and only lasts until one is. What an answer says was
-- left does not tell of the requests that the site counted after it: those that are over by the time it is taken in,
-- without an answer of their own that told more, are not given out once more. And where a site tells of one window only
-- while another one has more left, there is no less left than it tells.

alter table budgets
  -- The present window is our own: no answer has told it.
  add column is_assumed boolean not null default false,
  -- Requests that the site allows in a window, as its last answer had it.
  add column allowance integer,
  -- Requests that are over, ever: answered, or lost with their process.
  add column settled bigint not null default 0,
  -- What the newest answer of the window said was left, and that less all that may have been counted after it.
  add column told integer,
  add column certain integer,
  -- What is certainly left of a window that no answer has told.
  add column left_at_least integer;

-- What one answer says about the budget: {sentMsAgo, isProbe, reading: {used, remaining, resetMs, endsInMs,
-- endsAfterMs} | null, atLeast: <left of a window that the site has not told> | null, settledBefore: <requests that
-- were over before it was sent>, throttled: {retryAfterMs} | null}. The window ends between `endsAfterMs` and `endsInMs`.
-- Times are of the database's clock; the rules are those of shared/crawl/budget.ts.
create or replace function learn_answer(b budgets, owner text, answer jsonb, at timestamptz) returns budgets
language plpgsql as $$
declare
  same_window constant interval := '1500 ms';
  reading jsonb := nullif(answer->'reading', 'null');
  throttled jsonb := nullif(answer->'throttled', 'null');
  ends_at timestamptz := at + (reading->>'endsInMs')::double precision * interval '1 ms';
  sent_at timestamptz := at - (answer->>'sentMsAgo')::double precision * interval '1 ms';
  used integer := (reading->>'used')::double precision;
  remaining integer := floor((reading->>'remaining')::double precision);
  is_new boolean := b.window_ends_at is null or b.is_assumed
    or at + (reading->>'endsAfterMs')::double precision * interval '1 ms' > b.window_ends_at;
  -- Requests that the site may have counted after this one, and that are over.
  later integer := greatest(b.settled - (answer->>'settledBefore')::bigint, 0);
  is_same boolean := ends_at >= b.window_ends_at - same_window;
  is_burst boolean := sent_at < b.backoff_began_at;
  is_stale boolean := b.window_ends_at is null and coalesce(is_burst, false);
  retry_after_ms double precision := least((throttled->>'retryAfterMs')::double precision, 3600000);
begin
  b.sent := b.sent + 1;
  b.window_used := b.window_used + 1;
  b.settled := b.settled + 1;
  b.left_at_least := greatest(b.left_at_least - 1, (answer->>'atLeast')::double precision - later);
  if is_stale then
    null;
  elsif reading is not null then
    if is_new then
      b.window_ms := greatest((reading->>'resetMs')::double precision, 1);
      -- What was sent in a window of our own may have been in this one.
      if not b.is_assumed or b.window_ends_at is null then b.window_used := 1; end if;
    end if;
    b.is_assumed := false;
    b.allowance := used + remaining;
    if is_new or is_same and remaining < b.told then
      b.told := remaining;
      b.certain := remaining - later;
    end if;
    if is_new then
      b.window_ends_at := ends_at;
      b.left_requests := b.certain;
    elsif is_same then
      b.window_ends_at := greatest(b.window_ends_at, ends_at);
      b.left_requests := least(b.told, greatest(b.left_requests - 1, b.certain));
    end if;
    -- Where the site allows more than the ceiling, others may use it too: ours alone are held against the ceiling.
    if b.allowance > b.ceiling_requests then
      b.left_requests := least(b.left_requests, b.ceiling_requests - b.window_used);
    end if;
  elsif b.window_ends_at is not null then
    b.left_requests := b.left_requests - 1;
    b.certain := b.certain - 1;
  elsif (answer->>'isProbe')::boolean and at >= coalesce(b.backoff_until, '-infinity') then
    b.window_ms := b.window_secs * 1000;
    b.window_ends_at := sent_at + b.window_secs * interval '1 s';
    b.window_used := 1;
    b.is_assumed := true;
    b.left_requests := least(b.ceiling_requests, b.allowance) - 1;
  end if;
  if (answer->>'isProbe')::boolean and b.probe_owner = owner then b.probe_until := null; end if;
  if at >= b.backoff_until + (b.backoff_until - b.backoff_began_at) then b.throttled_in_a_row := 0; end if;
  if throttled is null then return b; end if;

  b.throttled := b.throttled + 1;
  if is_burst and retry_after_ms is null then return b; end if;
  if not coalesce(is_burst, false) then
    b.throttled_in_a_row := b.throttled_in_a_row + 1;
    b.backoff_began_at := at;
  end if;
  -- As shared/crawl/backoff.ts has it.
  b.backoff_until := greatest(b.backoff_until, at + interval '1 ms' * coalesce(retry_after_ms,
    least(2000 * 2 ^ (least(b.throttled_in_a_row, 30) - 1), 60000) * (1 + random() / 4)));
  b.window_ends_at := null;
  return b;
end $$;

-- One turn of `owner` at a budget: takes in what it learned and gives it requests.
-- `ask`: {turn, site, ceilingRequests, windowMs, answers: [see learn_answer], released: <requests that will not be
-- sent>, want: <at most so many>, spread: <pace them over the window>}.
-- Answers {slots, isProbe, firstInMs, gapMs, expiresInMs, retryInMs, available, left, windowEndsInMs, backoffInMs, settled}:
-- `slots` requests may go, `gapMs` apart; with none, ask again after `retryInMs`. `available` is left for others.
create or replace function budget_turn(budget text, owner text, ask jsonb) returns jsonb
language plpgsql as $$
declare
  slice_life constant interval := '10 s';
  -- What was sent in a window has been counted by this long after its end.
  afterglow constant interval := '5 s';
  horizon_ms constant double precision := 500;
  b budgets;
  slice budget_slices;
  answer jsonb;
  at timestamptz;
  others integer;
  lost integer;
  available integer;
  is_untold boolean;
  -- Requests that no answer needs to be waited for.
  room integer;
  first_at timestamptz;
  pace_ends_at timestamptz;
  gap_ms double precision := 0;
  granted integer := 0;
  retry_at timestamptz;
  is_probe boolean := false;
  is_doubtful boolean;
begin
  insert into budgets (name, site, ceiling_requests, window_secs)
  select budget, ask->>'site', 0, 0 where not exists (select from budgets where name = budget)
  on conflict do nothing;
  select * into b from budgets where name = budget for update;
  -- Whoever had to wait for the row has a later time than its transaction began with.
  at := clock_timestamp();
  b.ceiling_requests := (ask->>'ceilingRequests')::double precision;
  b.window_secs := (ask->>'windowMs')::double precision / 1000;

  with dead as (
    delete from budget_slices s
    where s.budget = budget_turn.budget and s.owner <> budget_turn.owner
      and (s.expires_at <= at or s.window_ends_at <= at - afterglow)
    returning s.*
  )
  select coalesce(sum(slots), 0) into lost from dead where coalesce(window_ends_at > at, true);
  b.left_requests := b.left_requests - lost;
  b.window_used := b.window_used + lost;
  b.certain := b.certain - lost;
  b.left_at_least := b.left_at_least - lost;
  b.settled := b.settled + lost;
  select coalesce(sum(slots), 0) into others from budget_slices s
  where s.budget = budget_turn.budget and s.owner <> budget_turn.owner;
  select * into slice from budget_slices s where s.budget = budget_turn.budget and s.owner = budget_turn.owner;
  slice.slots := coalesce(slice.slots, 0);

  if slice.turn = (ask->>'turn')::bigint then
    slice.slots := slice.slots - slice.granted;
  else
    for answer in select jsonb_array_elements(ask->'answers') loop
      -- What was told counts from when it was told, not from the end of a wait for the row.
      b := learn_answer(b, owner, answer, statement_timestamp());
    end loop;
    slice.slots := greatest(0, slice.slots - jsonb_array_length(ask->'answers') - (ask->>'released')::integer);
    if slice.slots = 0 and b.probe_owner = owner then b.probe_until := null; end if;
  end if;
  if b.window_ends_at <= at then b.window_ends_at := null; end if;
  if b.window_ends_at is null then b.left_at_least := null; end if;
  is_untold := b.is_assumed and b.allowance is null and b.window_ends_at is not null;
  -- Whether the site has no headers, or only failed, the first three answers show, one after the other.
  is_doubtful := is_untold and b.window_used < 3;
  -- One alone finds out more.
  if is_untold and b.left_at_least is not null then
    room := greatest(b.left_at_least, 1) - others - slice.slots;
  end if;
  available := case when b.window_ends_at is not null then b.left_requests - others - slice.slots end;

  if (ask->>'want')::integer > 0 then
    if b.backoff_until > at then
      retry_at := b.backoff_until;
    elsif b.window_ends_at is null then
      is_probe := coalesce(b.probe_until <= at, true);
      if is_probe then
        granted := 1;
        first_at := at;
        b.probe_owner := owner;
        b.probe_until := at + interval '2 s';
      else
        retry_at := least(b.probe_until, at + interval '300 ms');
      end if;
    elsif is_doubtful and others + slice.slots > 0 or room <= 0 then
      retry_at := at + interval '100 ms';
    elsif available <= 0 then
      -- Somebody may give back what he does not need.
      retry_at := case when b.left_requests <= 0 then b.window_ends_at
        else least(b.window_ends_at, at + interval '1 s') end;
    elsif (ask->>'spread')::boolean then
      pace_ends_at := b.window_ends_at - b.window_ms * 0.01 * interval '1 ms';
      first_at := coalesce(b.last_sent_at, at);
      first_at := greatest(at, first_at + greatest(ms_between(pace_ends_at, first_at), 0) / available * interval '1 ms');
      gap_ms := greatest(ms_between(pace_ends_at, first_at), 0) / greatest(available - 1, 1);
      granted := least((ask->>'want')::integer, available, 1 + floor(horizon_ms / greatest(gap_ms, 1)));
    else
      first_at := at;
      -- Not all of the last ones to one process.
      granted := least((ask->>'want')::integer, greatest(1, available / 4));
    end if;
    granted := least(granted, case when room > 0 then greatest(1, room / 4) end, case when is_doubtful then 1 end);
  end if;

  if granted > 0 then
    b.last_sent_at := greatest(b.last_sent_at, first_at + (granted - 1) * gap_ms * interval '1 ms');
  end if;
  slice.expires_at := greatest(slice.expires_at, b.last_sent_at + slice_life, at + slice_life);
  insert into budget_slices as s (budget, owner, slots, turn, granted, window_ends_at, expires_at)
  values (budget, owner, slice.slots + granted, (ask->>'turn')::bigint, granted, b.window_ends_at, slice.expires_at)
  on conflict on constraint budget_slices_pkey do update set
    slots = excluded.slots, turn = excluded.turn, granted = excluded.granted,
    window_ends_at = excluded.window_ends_at, expires_at = excluded.expires_at;
  b.updated_at := at;
  update budgets t set
    ceiling_requests = b.ceiling_requests, window_secs = b.window_secs, window_ends_at = b.window_ends_at,
    left_requests = b.left_requests, last_sent_at = b.last_sent_at, backoff_began_at = b.backoff_began_at,
    backoff_until = b.backoff_until, throttled_in_a_row = b.throttled_in_a_row, sent = b.sent, throttled = b.throttled,
    updated_at = b.updated_at, window_ms = b.window_ms,
    window_used = b.window_used, is_assumed = b.is_assumed, allowance = b.allowance,
    settled = b.settled, told = b.told, certain = b.certain, left_at_least = b.left_at_least, probe_owner = b.probe_owner, probe_until = b.probe_until
  where t.name = b.name;

  return jsonb_build_object(
    'slots', granted, 'isProbe', is_probe, 'firstInMs', ms_between(first_at, at), 'gapMs', gap_ms,
    'expiresInMs', ms_between(slice.expires_at, at), 'retryInMs', ms_between(retry_at, at),
    'available', greatest(available - granted, 0), 'left', b.left_requests,
    'windowEndsInMs', ms_between(b.window_ends_at, at), 'settled', b.settled,
    'backoffInMs', case when b.backoff_until > at then ms_between(b.backoff_until, at) end);
end $$;
