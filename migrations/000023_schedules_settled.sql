-- A schedule's firing and its launch are one transaction: there is nothing to look for afterwards.
alter table schedules drop column settled_at;
