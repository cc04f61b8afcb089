-- Who writes for a run holds its row only against whoever takes the run from its attempt, and not against what is
-- renewed, asked and told of it: with three connections that write without a pause, a heartbeat took 0.2 s, and 1.6 s at
-- the worst.

-- True while `attempt` has the run. Then it keeps it until the transaction ends: whoever takes the run over, which is
-- done with the row locked `for update`, waits for what is being written, and finds all of it or nothing.
create or replace function holds_run(run_id text, attempt integer) returns boolean
language plpgsql as $$
begin
  perform from runs r
  where r.id = holds_run.run_id and r.attempt = holds_run.attempt
    and r.status in ('RUNNING', 'TIMING-OUT', 'ABORTING')
  for key share;
  return found;
end $$;

-- Takes runs from workers that are lost: they are READY again, or over. Not right after the database was away, when all
-- leases have run out and every worker is about to renew its own. It waits for its turn: the processes of a lost worker
-- may still be writing, and always hold the row when it is looked at.
create or replace function reap_runs(grace_secs double precision) returns table (run_id text, status text)
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

-- Asks for a run's end. READY: it is ABORTED. An attempt that has it is told by its worker; a kill replaces a graceful
-- end that was asked for before, not the other way round. What is over stays as it is.
create or replace function abort_run(id text, how text) returns void
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
