-- Whether the current step's deadline was extended by a reply (see saga/define.ts). Code that does not know of it leaves
-- the deadline as it is.
alter table saga add column extended boolean not null default false;
