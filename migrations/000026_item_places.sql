-- The place of item number `nth` of a dataset, from 0, counted from its end with `backwards`; null beyond it. Asked of
-- the partition itself, whose index alone answers: that the day is right need not be looked up in a million rows.
create function nth_place(day date, dataset_id integer, nth bigint, backwards boolean) returns bigint
language plpgsql stable strict
set enable_sort = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  place bigint;
begin
  execute format('select place from %I where dataset_id = $1 order by place %s offset $2 limit 1',
    'dataset_items_' || to_char(day, 'YYYYMMDD'), case when backwards then 'desc' else 'asc' end)
  into place using dataset_id, nth;
  return place;
end $$;
