-- Payments of orders: one for each order, and the calls that are owed to the provider.

create table payment (
  order_id uuid primary key,
  -- The provider's idempotency key, fixed for ever.
  payment_id uuid not null unique,
  state text not null
    check (state in ('PENDING', 'AUTHORIZED', 'DECLINED', 'CAPTURED', 'VOIDED', 'REFUNDED', 'UNKNOWN')),
  -- What orders wants; it only rises.
  goal text not null check (goal in ('authorize', 'capture', 'cancel')),
  -- The one call that is under way or due.
  operation text check (operation in ('authorize', 'capture', 'void', 'refund')),
  amount_minor bigint not null check (amount_minor >= 0),
  -- Empty on a tombstone: a payment that was cancelled before it began.
  currency text not null check (currency = '' or currency ~ '^[A-Z]{3}$'),
  method_id text not null,
  token text not null,
  captured_minor bigint not null,
  refunded_minor bigint not null,
  reason text not null,
  reference text not null,
  version bigint not null,
  -- The command that is being answered: the cause of the events that follow.
  traceparent text not null,
  causation_id text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null,
  constraint captured_at_most_the_amount check (captured_minor between 0 and amount_minor),
  constraint refunded_at_most_the_captured check (refunded_minor between 0 and captured_minor),
  constraint ended_without_money check
    (state not in ('DECLINED', 'VOIDED', 'REFUNDED') or (captured_minor = refunded_minor and operation is null))
) with (fillfactor = 70);

-- One row for each operation of a payment. Written before the provider is called, so that after a crash the same call
-- is made again under the same key.
create table payment_attempt (
  payment_id uuid not null references payment (payment_id),
  operation text not null check (operation in ('authorize', 'capture', 'void', 'refund')),
  state text not null check (state in ('DUE', 'DONE', 'SUPERSEDED')),
  -- Calls begun.
  attempts integer not null default 0,
  -- While a call is under way: the end of its lease.
  next_attempt_at timestamptz not null default now(),
  last_error text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (payment_id, operation)
) with (fillfactor = 70);

-- First calls and repetitions are leased apart, so that a heap of hanging payments cannot hold up new ones.
create index payment_attempt_fresh on payment_attempt (next_attempt_at) where state = 'DUE' and attempts = 0;
create index payment_attempt_repeats on payment_attempt (next_attempt_at) where state = 'DUE' and attempts > 0;

-- Double entry: two rows for each movement, sum(debit_minor) = sum(credit_minor). The rows of the account
-- 'provider:<name>' equal the provider's own ledger, by provider_key.
create table ledger_entry (
  id bigint generated always as identity primary key,
  order_id uuid not null,
  payment_id uuid not null references payment (payment_id),
  kind text not null check (kind in ('capture', 'refund')),
  provider_key text not null,
  account text not null,
  debit_minor bigint not null check (debit_minor >= 0),
  credit_minor bigint not null check (credit_minor >= 0),
  currency text not null,
  created_at timestamptz not null default now(),
  constraint one_side_only check (debit_minor = 0 or credit_minor = 0),
  -- A movement is booked once, whatever repeats.
  unique (provider_key, account)
);
create index ledger_entry_by_order on ledger_entry (order_id);
