-- Customers who must act first, charges that come back from the dead, webhooks, and the list for reconciling.

alter table charge drop constraint charge_state_check;
alter table charge add constraint charge_state_check check
  (state in ('PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED', 'DECLINED', 'CAPTURED', 'VOIDED', 'REFUNDED'));

-- Also for what is void already: tok_charge_after_void comes all the same.
drop index charge_processing;
create index charge_appearing on charge (appears_at) where appears_at is not null;

-- A charge that came back after its void is voided a second time, under a second key.
drop index ledger_moves_once;
create unique index ledger_moves_once on ledger (payment_id, kind) where ok and kind in ('authorize', 'capture');

-- The ledger only grows at its end: block ranges are enough to find what is recent, and cost the writers nothing.
create index ledger_recent on ledger using brin (created_at) with (pages_per_range = 16, autosummarize = on);

-- Webhooks to be sent.
create table webhook (
  event_id uuid not null default gen_random_uuid() primary key,
  payment_id uuid not null,
  type text not null,
  created_at timestamptz not null default now(),
  due_at timestamptz not null default now(),
  -- Deliveries still to be made; more than one repeats it on purpose.
  sends integer not null default 1,
  tries integer not null default 0,
  -- Signed with a wrong secret on purpose.
  forged boolean not null default false
);
create index webhook_due on webhook (due_at) where sends > 0;
