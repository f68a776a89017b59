-- The sandbox provider's own books, kept apart from payments' as an outside party's would be: what the audit compares
-- our ledger with.

-- One for each payment id that the sandbox has heard of.
create table charge (
  payment_id uuid primary key,
  order_ref text not null,
  -- The idempotency key under which it was, or will be, authorized; empty when only a void was ever asked for.
  authorize_key text not null,
  token text not null,
  amount_minor bigint not null check (amount_minor >= 0),
  currency text not null,
  state text not null check (state in ('PROCESSING', 'AUTHORIZED', 'DECLINED', 'CAPTURED', 'VOIDED', 'REFUNDED')),
  captured_minor bigint not null default 0,
  refunded_minor bigint not null default 0,
  -- PROCESSING only: when the authorization appears, asked for or not.
  appears_at timestamptz,
  created_at timestamptz not null default now(),
  constraint captured_at_most_the_authorized check (captured_minor between 0 and amount_minor),
  constraint refunded_at_most_the_captured check (refunded_minor between 0 and captured_minor),
  constraint nothing_captured_of_what_is_void check (state <> 'VOIDED' or captured_minor = 0)
) with (fillfactor = 70);
create index charge_processing on charge (appears_at) where state = 'PROCESSING';

-- Every definite answer, once for each idempotency key.
create table ledger (
  provider_key text primary key,
  payment_id uuid not null,
  order_ref text not null,
  kind text not null check (kind in ('authorize', 'capture', 'void', 'refund')),
  amount_minor bigint not null,
  currency text not null,
  ok boolean not null,
  -- Why it was refused; empty when it was not.
  code text not null,
  created_at timestamptz not null default now()
);
create index ledger_by_order on ledger (order_ref);
create unique index ledger_moves_once on ledger (payment_id, kind) where ok;

-- How often a key has met an error that its token asks for.
create table fault (
  provider_key text primary key,
  count integer not null
);
