-- One row an order, written by its first CreateShipment and never deleted: the shipment, or the refusal, so that a
-- repeated command gets the same answer.
create table shipment (
  order_id uuid primary key,
  -- Undefined for a refusal, like the tracking number.
  id uuid unique,
  state text not null check (state in ('CREATED', 'CANCELLED', 'REFUSED')),
  method_id text not null,
  tracking_number text unique,
  -- Why it was refused; empty otherwise.
  reason text not null default '',
  -- Counts what was told about the order, repeated answers included; see the README.
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  constraint shipment_complete check ((state = 'REFUSED') = (id is null) and (id is null) = (tracking_number is null)),
  constraint shipment_refused_why check ((state = 'REFUSED') = (reason <> ''))
);
