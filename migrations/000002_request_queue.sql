-- The request queue of a run. Names in the JSON are those of the run storage contract (shared/crawl/run-storage.ts).

-- A queue grows from nothing to a million rows within minutes, before statistics are taken, and sessions keep the
-- plans that they made at its beginning. So a request is looked up by a function of its own, one at a time: that has
-- one plan only. The other functions may use nothing but the index of a state in its order.

-- Crawlee's own formula: the start of the base64 SHA-256 of the unique key, letters and digits only.
create function request_id(unique_key text) returns text language sql immutable parallel safe
  return left(translate(encode(sha256(convert_to(unique_key, 'UTF8')), 'base64'), E'+/=\n', ''), 15);

-- `null` for an unknown request.
create function find_request(run_number integer, id text, out state text, out attempt integer)
language plpgsql stable as $$
begin
  select q.state, q.attempt into find_request.state, find_request.attempt from requests q
  where q.id = find_request.id and q.run_number = find_request.run_number;
end $$;

-- Adds `requests`, each `{url, uniqueKey, label, userData, priority?}`, in their order; what is there already is left
-- alone. Answers one `{id, uniqueKey, wasAlreadyPresent, wasAlreadyHandled}` each, in the same order.
create function add_requests(run_number integer, requests jsonb, forefront boolean default false) returns jsonb
language plpgsql as $$
declare
  front bigint := case when forefront then nextval('request_places') else 0 end;
  added text[];
  result jsonb;
begin
  added := insert_requests(add_requests.run_number, array(select jsonb_array_elements(requests)), front);
  perform count_up(add_requests.run_number, array['total'], array[cardinality(added)::bigint]);
  with given as (
    select n, r->>'uniqueKey' as unique_key, request_id(r->>'uniqueKey') as id,
      row_number() over (partition by r->>'uniqueKey' order by n) = 1 as is_first
    from jsonb_array_elements(requests) with ordinality as e(r, n)
  ), compared as (
    select *, not (is_first and id in (select unnest(added))) as is_present from given
  )
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', id, 'uniqueKey', unique_key, 'wasAlreadyPresent', is_present,
    'wasAlreadyHandled', is_present and coalesce(
      (find_request(add_requests.run_number, id)).state in ('handled', 'failed'), false)) order by n), '[]')
  into result from compared;
  return result;
end $$;

-- Inserts what is not there yet and returns the ids of that. Places follow the order given; rows are written in the
-- order of their ids, so that two calls at once never wait for each other crosswise. Rows that are there are not
-- touched: to wait for somebody who is just settling them would be such a crossing. Nor is what is about somebody
-- who is to be kept out.
create function insert_requests(run_number integer, requests jsonb[], forefront bigint) returns text[]
language plpgsql as $$
declare
  added text[];
  suppressing boolean := has_suppressions();
begin
  with given as materialized (
    select nextval('request_places') as place, request_id(r->>'uniqueKey') as id, r
    from unnest(insert_requests.requests) as r
    where not suppressing or not is_suppressed(r)
  ), distinct_requests as (
    select distinct on (id) * from given order by id, place
  ), inserted as (
    insert into requests (run_number, id, unique_key, url, label, user_data, priority, forefront, place)
    select insert_requests.run_number, id, r->>'uniqueKey', r->>'url', r->>'label',
      coalesce(r->'userData', '{}'), coalesce((r->>'priority')::integer, 0), insert_requests.forefront, place
    from distinct_requests
    where (find_request(insert_requests.run_number, id)).state is null
    order by id
    on conflict on constraint requests_pkey do nothing
    returning id
  )
  select coalesce(array_agg(id), '{}') into added from inserted;
  return added;
end $$;

-- Hands out up to `max` requests to `owner` for `lease_secs`: forefront first, then by priority, then the oldest.
-- What has waited long enough, or was leased by somebody who died, is in its old place by then.
create function claim_requests(run_number integer, owner text, max integer, lease_secs integer) returns jsonb
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
as $$
declare
  result jsonb;
begin
  perform wake_requests(claim_requests.run_number);
  with next as materialized (
    select q.id from requests q
    where q.run_number = claim_requests.run_number and q.state = 'pending'
    order by q.forefront desc, q.priority desc, q.place
    limit max
    for update skip locked
  ), claimed as (
    select c.* from next
    cross join lateral lease_request(claim_requests.run_number, next.id, owner, lease_secs) as c
  )
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', id, 'uniqueKey', unique_key, 'url', url, 'label', label, 'userData', user_data, 'priority', priority,
    'attempt', attempt, 'retryCount', cardinality(error_messages), 'errorMessages', error_messages)
    order by c.forefront desc, c.priority desc, c.place), '[]')
  into result from claimed c;
  return result;
end $$;

create function lease_request(run_number integer, id text, owner text, lease_secs integer) returns requests
language plpgsql as $$
declare
  leased requests;
begin
  update requests q
  set state = 'leased', attempt = q.attempt + 1, lease_owner = owner,
    lease_expires_at = now() + make_interval(secs => lease_secs)
  where q.id = lease_request.id and q.run_number = lease_request.run_number
  returning q.* into leased;
  return leased;
end $$;

-- Makes pending again what is delayed and may go now, and what was leased and is overdue.
create function wake_requests(run_number integer) returns void
language plpgsql as $$
declare
  id text;
begin
  for id in
    select q.id from requests q
    where q.run_number = wake_requests.run_number and q.state = 'delayed' and q.not_before <= now()
    order by q.not_before for update skip locked
  loop
    perform make_pending(wake_requests.run_number, id);
  end loop;
  for id in
    select q.id from requests q
    where q.run_number = wake_requests.run_number and q.state = 'leased' and q.lease_expires_at <= now()
    order by q.lease_expires_at for update skip locked
  loop
    perform make_pending(wake_requests.run_number, id);
  end loop;
end $$;

create function make_pending(run_number integer, id text) returns void
language plpgsql as $$
begin
  update requests q set state = 'pending', not_before = null, lease_owner = null, lease_expires_at = null
  where q.id = make_pending.id and q.run_number = make_pending.run_number;
end $$;

create function reclaim_request(
  run_number integer, owner text, id text, attempt integer, delay_ms double precision, error_message text
) returns void
language plpgsql as $$
begin
  update requests q
  set state = case when delay_ms > 0 then 'delayed' else 'pending' end,
    not_before = case when delay_ms > 0 then now() + delay_ms * interval '1 ms' end,
    error_messages = case when error_message is null then q.error_messages
      else q.error_messages || error_message end,
    lease_owner = null, lease_expires_at = null
  where q.id = reclaim_request.id and q.run_number = reclaim_request.run_number
    and q.attempt = reclaim_request.attempt and q.lease_owner = owner and q.lease_expires_at is not null;
end $$;

-- Gives requests back, each `{id, attempt, delayMs?, errorMessage?}`, where `owner` and attempt match.
create function reclaim_requests(run_number integer, owner text, reclaims jsonb) returns void
language sql as $$
  select reclaim_request(reclaim_requests.run_number, owner, r.id, r.attempt, r."delayMs", r."errorMessage")
  from jsonb_to_recordset(reclaims)
    as r(id text, attempt integer, "delayMs" double precision, "errorMessage" text)
  order by r.id
$$;

-- Marks a request where owner and attempt match; false where they do not.
create function settle_request(run_number integer, owner text, id text, attempt integer, outcome text) returns boolean
language plpgsql as $$
begin
  update requests q set state = outcome, settled_at = now(), lease_expires_at = null
  where q.id = settle_request.id and q.run_number = settle_request.run_number
    and q.attempt = settle_request.attempt and q.lease_owner = owner and q.lease_expires_at is not null;
  return found;
end $$;

create function renew_lease(run_number integer, owner text, id text, lease_secs integer) returns boolean
language plpgsql as $$
begin
  update requests q set lease_expires_at = now() + make_interval(secs => lease_secs)
  where q.id = renew_lease.id and q.run_number = renew_lease.run_number
    and q.lease_owner = owner and q.lease_expires_at is not null;
  return found;
end $$;

-- Prolongs the leases of `ids` that `owner` still has, by the database's clock. Returns the ids that it has.
create function renew_leases(run_number integer, owner text, ids text[], lease_secs integer) returns text[]
language sql as $$
  select coalesce(array_agg(id), '{}') from (select id from unnest(ids) as id order by id) given
  where renew_lease(renew_leases.run_number, owner, id, lease_secs)
$$;

-- `{total, pending, claimed, delayed, handled, failed}` at one moment. Only what is claimed or delayed is counted row
-- by row; the rest are sums.
create function count_requests(run_number integer) returns jsonb
language sql stable
set enable_seqscan = off
as $$
  with sums as (
    select coalesce(sum(value) filter (where counter = 'total'), 0) as total,
      coalesce(sum(value) filter (where counter = 'handled'), 0) as handled,
      coalesce(sum(value) filter (where counter = 'failed'), 0) as failed
    from run_counters c
    where c.run_number = count_requests.run_number and counter in ('total', 'handled', 'failed')
  ), waiting as (
    select
      (select count(*) from requests q where q.run_number = count_requests.run_number and q.state = 'leased'
        and q.lease_expires_at > now()) as claimed,
      (select count(*) from requests q where q.run_number = count_requests.run_number and q.state = 'delayed'
        and q.not_before > now()) as delayed
  )
  select jsonb_build_object('total', total, 'pending', total - handled - failed - claimed - delayed,
    'claimed', claimed, 'delayed', delayed, 'handled', handled, 'failed', failed)
  from sums, waiting
$$;

-- `{isEmpty, isFinished, nextReadyInMs}`: nothing can be claimed now; nothing is left for anybody; milliseconds until
-- the first delayed request may go, null when none is delayed.
create function queue_state(run_number integer) returns jsonb
language sql stable
set enable_seqscan = off
as $$
  with waiting as (
    select
      exists (select from requests q where q.run_number = queue_state.run_number and q.state = 'pending') as pending,
      (select min(q.lease_expires_at) from requests q
        where q.run_number = queue_state.run_number and q.state = 'leased') as expires_at,
      (select min(q.not_before) from requests q
        where q.run_number = queue_state.run_number and q.state = 'delayed') as ready_at
  )
  select jsonb_build_object(
    'isEmpty', not pending and coalesce(expires_at > now(), true) and coalesce(ready_at > now(), true),
    'isFinished', not pending and expires_at is null and ready_at is null,
    'nextReadyInMs', case when ready_at > now() then ceil(extract(epoch from ready_at - now()) * 1000) end)
  from waiting
$$;

-- Distinct items by dataset, `{<dataset>: n}`.
create function count_items(run_number integer) returns jsonb
language sql stable as $$
  select coalesce(jsonb_object_agg(dataset, items), '{}') from (
    select substr(counter, length('items:') + 1) as dataset, sum(value) as items
    from run_counters c
    where c.run_number = count_items.run_number and counter like 'items:%'
    group by counter
    having sum(value) > 0
  ) sums
$$;
