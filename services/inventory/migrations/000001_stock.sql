-- Stock by SKU. The CHECK is the last word against overselling: whatever the code above it does, the database does not
-- store a level at which more units are promised than are there.
create table stock (
  sku text primary key,
  -- Units in the warehouse. Always the sum of the SKU's stock_receipt_line quantities.
  on_hand bigint not null default 0,
  -- Units promised to orders. Always the sum of the SKU's lines of reservations HELD or COMMITTED.
  reserved bigint not null default 0,
  -- Rises by one with every change; the version of StockLevelChanged.
  version bigint not null default 0,
  constraint stock_never_oversold check (on_hand >= reserved and reserved >= 0)
) with (fillfactor = 50);
-- Half-full pages and no index on the counters: a hot SKU is updated in place (HOT), again and again.

create table stock_receipt (
  -- Chosen by the caller; the idempotency key.
  receipt_id uuid primary key,
  received_at timestamptz not null default now()
);

create table stock_receipt_line (
  receipt_id uuid not null references stock_receipt,
  sku text not null,
  -- Negative where goods were booked out.
  quantity bigint not null,
  primary key (receipt_id, sku)
);
