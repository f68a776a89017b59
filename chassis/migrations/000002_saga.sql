create table saga (
  saga_id uuid primary key,
  name text not null,
  definition_version int not null,
  state text not null,
  version int not null,
  data jsonb not null,
  -- Why it turned back; empty while it goes forward.
  reason text not null default '',
  -- How often the current command was sent.
  attempts int not null default 1,
  -- When the current state was entered: a manual task opens when it lasts too long.
  entered_at timestamptz not null default now(),
  -- The durable timer: when to act if no reply has come; null in terminal states.
  wake_at timestamptz,
  updated_at timestamptz not null default now()
);
create index saga_due on saga (name, wake_at) where wake_at is not null;

create table saga_transition (
  saga_id uuid not null,
  version int not null,
  from_state text not null,
  to_state text not null,
  -- Event id of the reply, or 'timer:<version>', 'cancel:<version>', 'operator:<id>'.
  trigger_id text not null,
  at timestamptz not null default now(),
  primary key (saga_id, version),
  unique (saga_id, trigger_id)
);

create table manual_task (
  id uuid primary key,
  saga_id uuid not null,
  kind text not null,
  context jsonb not null,
  opened_at timestamptz not null default now(),
  claimed_by text,
  decision text,
  decided_at timestamptz,
  unique (saga_id, kind)
);
