-- The order as it stands, and the head of its event stream: `version` is the last event's. The stream itself is the
-- outbox' topic orders.events.
create table orders (
  id uuid primary key,
  number text not null unique,
  version bigint not null,
  status text not null check (status in ('PENDING', 'CONFIRMED', 'REJECTED', 'CANCELLED')),
  customer_id uuid,
  cart_id uuid not null,
  cart_version bigint not null,
  currency text not null,
  total_minor bigint not null check (total_minor >= 0),
  placed_at timestamptz not null,
  updated_at timestamptz not null,
  -- stoa.orders.v1.Order, as the last event carried it.
  state bytea not null,
  -- A cart is spent once; opened again it has a higher version.
  unique (cart_id, cart_version)
);
create index orders_by_customer on orders (customer_id, placed_at desc, id desc) where customer_id is not null;

-- Personal data of an order, apart from everything that is published.
create table order_contact (
  order_id uuid primary key references orders,
  email text not null,
  -- stoa.common.v1.Address
  address bytea not null
);

-- One order for each key of a customer, or of all guests together.
create table idempotency_key (
  scope text not null,
  key text not null,
  request_hash bytea not null,
  order_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (scope, key)
);
create index idempotency_key_by_age on idempotency_key (created_at);
