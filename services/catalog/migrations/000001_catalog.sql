-- The catalog: products, their variants, categories, and the read model of availability that follows inventory.
-- Truth: categories, products, variants (but for the columns marked "derived"), sku_availability.
-- Derived: the columns marked so and product_listings; refresh-products.ts writes them in the transaction of the cause.

-- The numbers are those of stoa.catalog.v1.StockBand. This is the only place that knows the limits. What is unknown
-- (null) is out of stock.
create function stock_band(available bigint) returns smallint
  language sql immutable parallel safe
  return case when available > 5 then 3 when available > 0 then 2 else 1 end;

create table categories (
  id uuid primary key,
  -- Checked at the end of a statement, so that two categories may swap slugs.
  slug text not null unique deferrable initially immediate,
  name text not null,
  -- Checked at the end of a statement, so that a child may stand before its parent in a batch.
  parent_id uuid references categories (id),
  position integer not null check (position >= 0)
);

-- Every category with itself and all that stand above it. "union" instead of "union all" ends even on a cycle.
create view category_ancestors as
with recursive walk (category_id, ancestor_id) as (
  select id, id from categories
  union
  select walk.category_id, categories.parent_id
  from walk
  join categories on categories.id = walk.ancestor_id
  where categories.parent_id is not null
)
select category_id, ancestor_id from walk;

create table products (
  id uuid primary key,
  slug text not null unique deferrable initially immediate,
  name text not null,
  -- The name as it is sorted: made by the domain and compared by code point, so that the order is the same on every
  -- machine and an update of the operating system's collations cannot corrupt an index.
  name_key text collate "C" not null,
  description text not null,
  image_url text not null,
  category_ids uuid[] not null,
  -- [{"name": "Size", "values": ["S", "M"]}]
  options jsonb not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  price_from_minor bigint not null check (price_from_minor > 0),
  price_to_minor bigint not null check (price_to_minor >= price_from_minor),
  -- "Newest first" is the order of first arrival: unique, hence a total order, which a timestamp is not.
  arrival bigint generated always as identity unique,
  -- Derived: the best band among the listed variants.
  availability smallint not null default 1 check (availability between 1 and 3),
  -- Derived: category_ids and all their ancestors.
  listed_in uuid[] not null default '{}',
  -- Derived: name A, category names B, description C.
  search tsvector not null default ''
);

create index products_search on products using gin (search);

create table variants (
  sku text primary key,
  product_id uuid not null references products (id),
  -- Order within the product.
  position integer not null,
  name text not null,
  -- [{"name": "Size", "value": "M"}]
  options jsonb not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  price_minor bigint not null check (price_minor > 0),
  price_version integer not null default 1 check (price_version > 0),
  -- False once the product is stored without it. The row stays, so that old orders still find it by SKU.
  listed boolean not null default true,
  -- Derived: the band of sku_availability; 1 while unlisted or unknown.
  availability smallint not null default 1 check (availability between 1 and 3)
) with (fillfactor = 90);

create index variants_by_product on variants (product_id, position);

-- What inventory last said of a SKU. Also of SKUs that no variant has yet.
create table sku_availability (
  sku text primary key,
  available bigint not null,
  version bigint not null check (version > 0)
) with (fillfactor = 80);

-- Derived: a row for each category a product is found under, ancestors included, and one for the whole shop (the nil
-- UUID). The sort keys stand here, so that each page of each listing is one index range, whatever the category's size.
create table product_listings (
  product_id uuid not null references products (id),
  category_id uuid not null,
  arrival bigint not null,
  price_minor bigint not null,
  name_key text collate "C" not null,
  in_stock boolean not null,
  primary key (product_id, category_id)
);

create index product_listings_newest on product_listings (category_id, arrival);
create index product_listings_price on product_listings (category_id, price_minor, product_id);
create index product_listings_name on product_listings (category_id, name_key, product_id);
