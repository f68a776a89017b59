-- Shipping methods and what they cost. Changed by migrations and by operators' SQL; every process notices within 30 s.
create table shipping_method (
  id text primary key check (id ~ '^[a-z][a-z0-9-]{0,39}$'),
  name text not null,
  description text not null,
  min_days int not null check (min_days >= 0),
  max_days int not null,
  -- ISO 3166-1 alpha-2; empty means everywhere.
  countries text[] not null default '{}',
  -- Withdrawn methods are no longer listed; orders that were placed with them are still shipped.
  offered boolean not null default true,
  -- Order in which they are listed.
  position int not null,
  constraint shipping_method_days check (max_days >= min_days)
);

create table shipping_price (
  method_id text not null references shipping_method,
  -- ISO 4217. A method without a price in a currency is not offered in it.
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  minor bigint not null check (minor >= 0),
  primary key (method_id, currency)
);

insert into shipping_method (id, name, description, min_days, max_days, countries, position) values
  ('standard', 'Standard', 'Delivered to your door', 2, 5, '{}', 1),
  ('express', 'Express', 'Delivered to your door on the next working day, or the one after', 1, 2,
    '{AT,BE,CH,CZ,DE,DK,ES,FR,GB,IE,IT,LU,NL,PL,PT,SE,US}', 2),
  ('pickup', 'Pick-up', 'Ready for you in the store', 0, 1, '{DE,GB,US}', 3);

insert into shipping_price (method_id, currency, minor) values
  ('standard', 'EUR', 490), ('standard', 'USD', 540), ('standard', 'GBP', 420),
  ('express', 'EUR', 990), ('express', 'USD', 1090), ('express', 'GBP', 850),
  ('pickup', 'EUR', 0), ('pickup', 'USD', 0), ('pickup', 'GBP', 0);
