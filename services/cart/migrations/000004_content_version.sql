-- Not every change makes a cart another purchase: details and owner may change between placing an order and hearing of it.
-- Of an open cart: the version since which it has held what it holds; an order of any version since then has bought it.
-- Of a spent one: the version that its order bought. Null is the row's own version, as all carts were before, and as the
-- release before goes on writing them.
alter table cart add column content_version bigint;
-- What is left of a merged cart may be spent as well: an order that was placed before the claim has bought its lines.
alter table cart drop constraint cart_check;
alter table cart add constraint cart_merged_is_nobodys check (merged_into is null or customer_id is null) not valid;
