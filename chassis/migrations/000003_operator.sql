-- What operators ask of a service, and what they did.

-- A saga's move on request. Written by an operator's tool, carried out by the service itself under its usual locks.
create table operator_request (
  id uuid primary key,
  saga text not null,
  saga_id uuid not null,
  -- 'retry' sends the current command again; 'compensate' turns the saga back.
  action text not null check (action in ('retry', 'compensate')),
  -- Also from the pivot on, where the service allows it.
  forced boolean not null default false,
  requested_by text not null check (requested_by <> ''),
  why text not null check (why <> ''),
  requested_at timestamptz not null default now(),
  done_at timestamptz,
  -- What came of it, in a sentence; whether it was carried out.
  outcome text,
  accepted boolean,
  constraint operator_request_done check ((done_at is null) = (outcome is null) and (done_at is null) = (accepted is null))
);
create index operator_request_open on operator_request (saga, requested_at) where done_at is null;
create index operator_request_by_saga on operator_request (saga_id);

-- Everything an operator did to this service's data: who, why, when. Never changed, never deleted.
create table operator_action (
  id uuid primary key,
  -- For example 'parked.drop' or 'saga.compensate'.
  action text not null,
  -- What it was done to: a message, a saga, a task, a topic, a read model.
  target text not null,
  done_by text not null check (done_by <> ''),
  why text not null check (why <> ''),
  details jsonb not null default '{}',
  at timestamptz not null default now()
);
create index operator_action_by_time on operator_action (at desc);

-- A decided task stays as a record, so another one may follow it: only open ones are unique.
alter table manual_task drop constraint manual_task_saga_id_kind_key;
create unique index manual_task_open on manual_task (saga_id, kind) where decided_at is null;
create index manual_task_by_saga on manual_task (saga_id, kind, decided_at);
alter table manual_task
  add column claimed_at timestamptz,
  add column decided_by text,
  add column why text;
