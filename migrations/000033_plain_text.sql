-- Words are looked for in letters as themselves, whatever form they are written in, and without what nobody sees
-- (soft hyphens, signs of no width): 𝐩𝐨𝐥𝐢𝐭𝐢𝐜𝐬 is politics, and é is one letter or two.
create function plain_text(content text) returns text language sql immutable parallel safe
  return normalize(lower(translate(normalize(content, nfkc), U&'\00AD\200B\200C\200D\2060\FEFF', '')), nfkc);

create or replace function suggest_review(texts text, out suggestion text, out terms text[])
language sql stable as $$
  with pattern as (
    select '\m(' || string_agg(regexp_replace(plain_text(term), '([^\w\s])', '\\\1', 'g'), '|' order by length(term) desc) || ')\M' as re
    from review_keywords
  ), matched as (
    select distinct k.term, k.weight
    from pattern, regexp_matches(plain_text(texts), re, 'g') as m
    join review_keywords k on plain_text(k.term) = m[1]
  )
  select case when sum(weight) >= 1 then 'Non Related' end,
    case when sum(weight) >= 1 then array_agg(term order by weight desc, term) end
  from matched
$$;
