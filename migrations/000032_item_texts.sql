-- Reading by bytes: a row may have some bytes or many megabytes, so what is in memory at a time cannot be a number of rows.

-- Items of a dataset from `first` to `last`, as text, until there are `max_bytes` or 200 of them. One that is larger than
-- that alone comes without its text, as the last. Asked of the partition itself, as nth_place does.
create function read_item_texts(day date, dataset_id integer, first bigint, last bigint, backwards boolean, max_bytes integer)
returns table (place bigint, size integer, item text)
language plpgsql stable strict
set enable_sort = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  row record;
  total bigint := 0;
begin
  for row in execute format('select i.place, i.item from %I i
    where i.dataset_id = $1 and i.place between least($2, $3) and greatest($2, $3) order by i.place %s limit 200',
    'dataset_items_' || to_char(day, 'YYYYMMDD'), case when backwards then 'desc' else 'asc' end)
    using dataset_id, first, last
  loop
    place := row.place;
    item := row.item::text;
    size := octet_length(item);
    total := total + size;
    if size > max_bytes then
      item := null;
    end if;
    -- What does not fit comes with the next ones.
    exit when total > max_bytes and total > size;
    return next;
    exit when total >= max_bytes;
  end loop;
end $$;

-- Rows of an open cursor of one column, as text, until there are `max_bytes` of them, and one at least.
create function fetch_texts(rows refcursor, max_bytes integer, max_rows integer) returns setof text
language plpgsql as $$
declare
  value text;
  total bigint := 0;
begin
  for n in 1..max_rows loop
    fetch next from rows into value;
    exit when not found;
    return next value;
    total := total + octet_length(value);
    exit when total >= max_bytes;
  end loop;
end $$;
