-- What the API needs of its own: tokens, and sums that are kept up to date as rows come and go, for nothing that a
-- dashboard shows may count millions of rows.

create table api_tokens (
  id integer generated always as identity primary key,
  name text not null check (name ~ '^[\w.-]{1,64}$'),
  scope text not null check (scope in ('read', 'run', 'admin')),
  -- SHA-256 of the token, which has 256 random bits.
  token_hash bytea not null unique,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);
create unique index api_tokens_name on api_tokens (name) where revoked_at is null;
alter table api_tokens enable row level security;

-- The valid token with this hash. Its use is noted, not more often than every five minutes.
create function use_api_token(hash bytea) returns setof api_tokens
language sql as $$
  update api_tokens set last_used_at = now()
  where token_hash = hash and revoked_at is null
    and (last_used_at is null or last_used_at < now() - interval '5 minutes');
  select * from api_tokens where token_hash = hash and revoked_at is null;
$$;
