-- The least that a checkout must make durable, in one transaction and one database: the order under its key, its event,
-- the stock, the payment. No cart, no saga, no second database, no messages. Run by pgbench.
\set sku random(1, 1000)
\set id random(1, 9000000000000000000)
begin;
insert into floor_order (id, key, state) values (:id, :id::text, '\x00');
insert into floor_event (order_id, version, payload) values (:id, 1, '\x00');
update floor_stock set reserved = reserved + 1 where sku = :sku and reserved < on_hand;
insert into floor_payment (order_id, minor) values (:id, 1000);
commit;
