-- One reservation an order, written by the first command about that order and never deleted: it is also the memory of
-- what was answered, and for a release that overtook its reserve the tombstone.
create table reservation (
  order_id uuid primary key,
  state text not null check (state in ('HELD', 'COMMITTED', 'RELEASED', 'REFUSED')),
  -- End of the hold, by the database's clock. Gone once committed.
  expires_at timestamptz,
  -- Why RELEASED (RELEASED, EXPIRED) or REFUSED (INSUFFICIENT_STOCK, UNKNOWN_SKU); empty otherwise.
  reason text not null default '',
  -- The SKUs that stood in the way of a REFUSED one.
  blocking_skus jsonb not null default '[]',
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  constraint reservation_held_expires check (state <> 'HELD' or expires_at is not null),
  constraint reservation_committed_stays check (state <> 'COMMITTED' or expires_at is null)
) with (fillfactor = 80);
create index reservation_due on reservation (expires_at) where state = 'HELD';

-- Never changed after it was written, so it may be read without a lock.
create table reservation_line (
  order_id uuid not null references reservation,
  sku text not null references stock,
  quantity bigint not null check (quantity > 0),
  primary key (order_id, sku)
);
