create table floor_order (id bigint primary key, key text unique, state bytea);
create table floor_event (id bigint generated always as identity primary key, order_id bigint, version bigint,
  payload bytea, unique (order_id, version));
create table floor_stock (sku bigint primary key, on_hand bigint, reserved bigint) with (fillfactor = 50);
create table floor_payment (order_id bigint primary key, minor bigint);
insert into floor_stock select n, 1000000000, 0 from generate_series(1, 1000) as n;
