-- Accounts, their credentials and their sessions.

create table account (
  id            uuid primary key,
  -- Normalised by the domain: trimmed, lower case.
  email         text not null constraint account_email_key unique check (email = lower(btrim(email))),
  name          text not null,
  role          text not null check (role in ('customer', 'staff')),
  -- argon2id as a PHC string.
  password_hash text not null,
  created_at    timestamptz not null default now()
);

-- A session is a family of refresh tokens. The token of `generation` is the only one that can be used.
create table session (
  id          uuid primary key,
  account_id  uuid not null references account (id) on delete cascade,
  generation  integer not null default 1 check (generation >= 1),
  rotated_at  timestamptz not null default now(),
  created_at  timestamptz not null default now(),
  expires_at  timestamptz not null,
  revoked_at  timestamptz,
  revoked_for text check (revoked_for in ('LOGOUT', 'REUSE', 'PASSWORD_CHANGE')),
  check ((revoked_at is null) = (revoked_for is null))
);
create index session_account on session (account_id) where revoked_at is null;
create index session_expiry on session (expires_at);

-- Every token ever handed out, by its SHA-256. Never updated: what became of one follows from its session's generation.
create table refresh_token (
  hash       bytea primary key check (length(hash) = 32),
  session_id uuid not null references session (id) on delete cascade,
  generation integer not null check (generation >= 1),
  expires_at timestamptz not null,
  unique (session_id, generation)
);
create index refresh_token_expiry on refresh_token (expires_at);

-- Ed25519 keys that sign access tokens. The newest one whose active_from has passed signs; all verify until retired.
create table signing_key (
  kid         text primary key,
  seed        bytea not null check (length(seed) = 32),
  created_at  timestamptz not null default now(),
  active_from timestamptz not null
);

-- Attempts to sign in, charged before they are verified. The key is a digest: no address stands here.
create table login_throttle (
  key         bytea primary key check (length(key) = 32),
  failures    integer not null check (failures >= 0),
  next_at     timestamptz not null,
  touched_at  timestamptz not null,
  -- Until then this peer counts as known to the account, because it has signed in.
  known_until timestamptz
);
create index login_throttle_touched on login_throttle (touched_at);
