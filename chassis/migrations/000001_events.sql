-- Outbox: events and commands, written in the transaction that causes them. For event-sourced aggregates it is the
-- event store itself.
create table outbox (
  -- Drawn while the writer holds its aggregate, so ids rise with the aggregate's versions.
  id bigint generated always as identity primary key,
  event_id uuid not null,
  topic text not null,
  type text not null,
  aggregate_id text not null,
  aggregate_version bigint,
  payload bytea not null,
  traceparent text not null,
  causation_id uuid,
  created_at timestamptz not null default clock_timestamp(),
  -- Dense number within the topic, given after commit by the publisher; null until then.
  pub_seq bigint
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
create unique index outbox_topic_seq on outbox (topic, pub_seq);
-- The optimistic lock of event-sourced aggregates.
create unique index outbox_aggregate_version on outbox (aggregate_id, aggregate_version, topic)
  where aggregate_version is not null;
create index outbox_pending on outbox (id) where pub_seq is null;

create table outbox_head (
  topic text primary key,
  epoch int not null default 1,
  -- Timeline of the database cluster when the epoch began: another one means a restore or a failover.
  timeline int not null,
  seq bigint not null default 0,
  -- What the broker is known to have stored.
  published bigint not null default 0,
  -- Identity and last sequence of the broker's stream: another or a lower one means that it lost data.
  stream_created text not null default '',
  stream_last_seq bigint not null default 0,
  owner text not null default '',
  lease_until timestamptz not null default '-infinity'
);

-- What consumers, wherever they are, reported of their watermarks.
create table consumer_progress (
  consumer text not null,
  topic text not null,
  epoch int not null,
  seq bigint not null,
  seen_at timestamptz not null default now(),
  primary key (consumer, topic)
);

-- How far this service's own consumers are. This row is the whole deduplication.
create table consumer_watermark (
  consumer text not null,
  topic text not null,
  epoch int not null default 0,
  seq bigint not null default 0,
  last_event_id uuid,
  -- The replica that works now; the others wait for its lease to end.
  owner text not null default '',
  lease_until timestamptz not null default '-infinity',
  primary key (consumer, topic)
);

-- Messages that kept failing, and those that wait behind one of the same aggregate.
create table parked_event (
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
  occurred_at timestamptz not null,
  error text not null,
  attempts int not null,
  parked_at timestamptz not null default now(),
  -- An operator asked for another try.
  redrive_at timestamptz,
  resolved_at timestamptz,
  -- 'redriven' or 'dropped', by whom and why.
  resolution text,
  primary key (consumer, topic, seq)
);
create index parked_event_open on parked_event (consumer, topic, aggregate_id) where resolved_at is null;
