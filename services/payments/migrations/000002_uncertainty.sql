-- What is not certain: customers who must act first, webhooks that hint, and the comparison with the provider's books.

alter table payment drop constraint payment_state_check;
alter table payment add constraint payment_state_check check
  (state in ('PENDING', 'ACTION_REQUIRED', 'AUTHORIZED', 'DECLINED', 'CAPTURED', 'VOIDED', 'REFUNDED', 'UNKNOWN'));
-- What the customer must do; empty outside ACTION_REQUIRED.
alter table payment add column action_url text not null default '';
alter table payment add column action_secret text not null default '';

-- Webhooks that were believed to be the provider's, each once: a repeated one changes nothing.
create table webhook_event (
  provider text not null,
  event_id text not null,
  type text not null,
  -- As the event names it; ours to find, or not.
  payment_id uuid,
  received_at timestamptz not null default now(),
  primary key (provider, event_id)
);
create index webhook_event_by_age on webhook_event (received_at);

-- How far the comparison has come; one row for each provider. One replica compares at a time.
create table reconciliation_progress (
  provider text primary key,
  -- Everything that changed before this was compared.
  compared_until timestamptz not null default now() - interval '1 day',
  -- Our ledger was looked through up to this entry.
  ledger_id bigint not null default 0,
  next_pass_at timestamptz not null default now()
);

-- Payments to be looked at one by one: they differed in passing, a webhook named them, or a finding is open.
create table reconciliation_suspect (
  payment_id uuid primary key,
  looks integer not null default 0,
  next_look_at timestamptz not null default now()
);
create index reconciliation_suspect_due on reconciliation_suspect (next_look_at);

-- Differences that are certain, from when they were first seen to when they were gone.
create table reconciliation_finding (
  id bigint generated always as identity primary key,
  -- Maybe none of ours: no reference.
  payment_id uuid not null,
  kind text not null,
  -- The provider's own name of the record at fault; empty when there is none.
  reference text not null,
  detail text not null,
  first_seen timestamptz not null default now(),
  last_seen timestamptz not null default now(),
  -- How often it was tried to settle it, and what came of it the last time.
  remedies integer not null default 0,
  last_outcome text not null default '',
  resolved_at timestamptz
);
create unique index reconciliation_finding_open on reconciliation_finding (payment_id, kind, reference)
  where resolved_at is null;
