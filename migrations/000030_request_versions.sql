-- A queue says which version of its actor has written it, so that another one leaves it alone.

alter table runs add column request_version integer;

-- The version of what the run's requests carry: that of the first process that has opened its queue. What was in a queue
-- before versions were written is of version 1.
create function open_requests(run_number integer, version integer) returns integer
language plpgsql as $$
begin
  update runs r
  set request_version = case
    when exists (select from requests q where q.run_number = r.number) then 1 else open_requests.version end
  where r.number = open_requests.run_number and r.request_version is null;
  return (select r.request_version from runs r where r.number = open_requests.run_number);
end $$;

-- Up to `max` requests that are still to be done, from the one behind `after` on, in the order of their ids.
create function pending_requests(run_number integer, after text, max integer) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', id, 'uniqueKey', unique_key, 'url', url, 'label', label, 'userData', user_data) order by id), '[]')
  from (
    select q.id, q.unique_key, q.url, q.label, q.user_data from requests q
    where q.run_number = pending_requests.run_number and q.id > pending_requests.after
      and q.state in ('pending', 'leased', 'delayed')
    order by q.id limit max
  ) next
$$;
