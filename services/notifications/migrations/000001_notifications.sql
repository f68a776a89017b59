-- Mail to be sent, preferences, and the mailbox that stands in for an SMTP server.

create table notification (
  id              uuid primary key,
  -- Order of arrival: mails of one order go out in it.
  seq             bigint generated always as identity unique,
  order_id        uuid not null,
  -- Null for a guest.
  customer_id     uuid,
  template        text not null check (
    template in ('order-confirmed', 'order-rejected', 'order-cancelled', 'order-shipped')),
  category        text not null check (category in ('ORDER_STATUS', 'SHIPMENT')),
  -- The order as the event gave it, as protobuf JSON. Holds no personal data.
  snapshot        jsonb not null,
  state           text not null default 'QUEUED' check (state in ('QUEUED', 'SENT', 'SUPPRESSED', 'FAILED')),
  -- Why it is not sent (yet); never text from outside.
  reason          text not null default '',
  attempts        integer not null default 0,
  -- When it is due; while it is claimed, when the claim's lease ends.
  next_attempt_at timestamptz not null default now(),
  claim           uuid,
  created_at      timestamptz not null default now(),
  finished_at     timestamptz,
  -- Once for each order and template, however often the event comes. Rows are kept for this.
  unique (order_id, template),
  check ((state = 'QUEUED') = (finished_at is null))
);
create index notification_due on notification (next_attempt_at, seq) where state = 'QUEUED';
create index notification_waiting on notification (order_id, seq) where state = 'QUEUED';

create table preference (
  customer_id uuid not null,
  category    text not null check (category in ('ORDER_STATUS', 'SHIPMENT')),
  enabled     boolean not null,
  primary key (customer_id, category)
);

-- Filled only while no SMTP server is configured.
create table mailbox (
  id              uuid primary key,
  notification_id uuid not null unique references notification (id),
  order_id        uuid not null,
  template        text not null,
  recipient       text not null,
  subject         text not null,
  body            text not null,
  sent_at         timestamptz not null default now()
);
create index mailbox_newest on mailbox (sent_at desc, id desc);
create index mailbox_order on mailbox (order_id, sent_at desc, id desc);
