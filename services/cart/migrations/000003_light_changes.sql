-- A cart changes six times on its way to an order, and each change moved its entries in two indexes, because both held
-- the time of the change. Without it PostgreSQL keeps a change within the row's page and leaves the indexes alone.
drop index cart_open_of_customer;
-- A customer has a few open carts: they are sorted when they are read.
create index cart_open_of_customer on cart (customer_id) where customer_id is not null and order_id is null;
drop index cart_abandoned;
-- What the abandoned-carts job looks for: it says which pages hold nothing old enough, and costs a change nothing.
create index cart_abandoned on cart using brin (updated_at) with (pages_per_range = 16, autosummarize = on);
-- Room for the next versions of what a page holds.
alter table cart set (fillfactor = 50);
