-- Canaries that another one replaced before they were promoted. Their processes may still live, and the row `canary` does
-- not name them any more: without this they would take themselves for the stable version. Adds only.
create table canary_rejected (
  version text primary key,
  -- 'superseded': nobody had ended it; 'rolled back': somebody had.
  state text not null check (state in ('superseded', 'rolled back')),
  why text not null default '',
  rejected_at timestamptz not null default now()
);
