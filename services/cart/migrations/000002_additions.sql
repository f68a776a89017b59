-- The last additions that carried an idempotency key, newest last: [{ "key", "lines" }], both hashed. A few for each cart,
-- in its row: reading and writing them is no statement more.
alter table cart add column additions jsonb not null default '[]'
  check (jsonb_typeof(additions) = 'array' and jsonb_array_length(additions) <= 16);
