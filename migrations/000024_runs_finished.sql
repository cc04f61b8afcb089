-- What ended within an hour or a day, for alerts, and long ago, for what is removed then.
create index runs_finished on runs (finished_at) where finished_at is not null;
