-- A managed run belongs to one attempt at a time. What a process of another attempt still writes changes nothing.

-- Which attempt has the run: counts up each time a worker takes it.
alter table runs add column attempt integer not null default 0;

-- True while `attempt` has the run. Then it keeps it until the transaction ends: whoever takes the run over, which is
-- done with the row locked `for update`, waits for what is being written, and finds all of it or nothing. What is
-- renewed, asked and told of the run does not wait for that: a stronger lock made a heartbeat take 0.2 s, and 1.6 s at
-- the worst, with three connections that write without a pause.
create function holds_run(run_id text, attempt integer) returns boolean
language plpgsql as $$
begin
  perform from runs r
  where r.id = holds_run.run_id and r.attempt = holds_run.attempt
    and r.status in ('RUNNING', 'TIMING-OUT', 'ABORTING')
  for key share;
  return found;
end $$;

-- Makes pending again whatever is leased, by whomever: a new attempt does not wait for the leases of the last one.
create function release_requests(run_number integer) returns void
language plpgsql as $$
declare
  id text;
begin
  for id in
    select q.id from requests q
    where q.run_number = release_requests.run_number and q.state = 'leased'
    order by q.lease_expires_at for update
  loop
    perform make_pending(release_requests.run_number, id);
  end loop;
end $$;
