-- Carts. Lines live in the cart's row as a document: a cart is read, changed and versioned as a whole, so one row makes
-- each operation one statement, and the version guards lines and details alike. Parallel additions are kept apart by
-- `where version = ...` (see infrastructure/cart-store.ts), not by a row for each line.
create table cart (
  id uuid primary key,
  -- Rises by one with each change. Orders spends (id, version) once.
  version bigint not null default 1 check (version > 0),
  -- Null for a guest's cart.
  customer_id uuid,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- [{ sku, quantity, unitMinor, priceVersion, productId, productName, variantName, imageUrl }]; unitMinor is a decimal
  -- string (jsonb numbers lose digits on their way to JavaScript) or null when the price was not known yet.
  lines jsonb not null default '[]' check (jsonb_typeof(lines) = 'array' and jsonb_array_length(lines) <= 100),
  -- Personal data: e-mail and address.
  email text,
  address jsonb,
  shipping_method_id text,
  -- The order that spent the cart; null while it is open.
  order_id uuid,
  -- The customer's cart that took this guest's cart in: what is left is a signpost for repeated claims.
  merged_into uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (merged_into is null or (order_id is null and customer_id is null))
) with (fillfactor = 80);

-- A customer's open carts, newest change first.
create index cart_open_of_customer on cart (customer_id, updated_at) where customer_id is not null and order_id is null;
-- What the abandoned-carts job walks through.
create index cart_abandoned on cart (updated_at) where customer_id is null and order_id is null;
