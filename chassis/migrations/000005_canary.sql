-- A canary: a second version of this service on the same database (docs/decisions/0010-canary.md). Adds only, so that the
-- version before it goes on working.

-- Which service's canary a request was pinned to, as its trace context is: empty, a service's name, or 'always'.
alter table outbox add column canary text not null default '';
alter table parked_event add column canary text not null default '';
-- Which process wrote it: 'stoa-<service> <version>'. The name of its connection, so nobody has to pass it.
alter table outbox add column written_by text not null default '';
alter table outbox alter column written_by set default current_setting('application_name', true);
alter table saga_transition add column written_by text not null default '';
alter table saga_transition alter column written_by set default current_setting('application_name', true);

-- The canary of this service, and what became of it. No row: there never was one.
create table canary (
  only_one boolean primary key default true check (only_one),
  -- STOA_VERSION of its processes. Others are stable.
  version text not null check (version <> ''),
  -- How many in a hundred aggregates its consumers handle.
  percent int not null check (percent between 0 and 100),
  -- 'running'; 'rolled back': its processes handle nothing; 'promoted': they are the stable ones.
  state text not null check (state in ('running', 'rolled back', 'promoted')),
  why text not null default '',
  changed_at timestamptz not null default now()
);

-- A consumer's canary at work. Its row is the lock under which handed messages are taken, by either version.
create table canary_lane (
  consumer text not null,
  topic text not null,
  -- The canary's replica that works now. When it falls silent the stable version takes its messages back.
  owner text not null default '',
  lease_until timestamptz not null default '-infinity',
  primary key (consumer, topic)
);

-- Messages at or below the watermark that were handed to the canary and are not applied yet. Applying one deletes it in
-- the same transaction.
create table handed_event (
  consumer text not null,
  topic text not null,
  seq bigint not null,
  event_id uuid not null,
  type text not null,
  aggregate_id text not null,
  aggregate_version bigint not null,
  payload bytea not null,
  traceparent text not null,
  causation_id text not null,
  canary text not null,
  occurred_at timestamptz not null,
  handed_at timestamptz not null default now(),
  -- The canary could not handle it: the stable version takes it, and what follows it of the same aggregate.
  returned text,
  primary key (consumer, topic, seq)
);
create index handed_event_by_aggregate on handed_event (consumer, topic, aggregate_id);
