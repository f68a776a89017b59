// What operators asked of sagas: written down for the owning service, and its answer awaited.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { requestMove } from '@stoa/chassis/saga/operator-requests';
import { recordAction, type Warrant } from '../actions.ts';
import type { ShopData } from '../shop-data.ts';

export interface Request {
  readonly id: string;
  readonly action: string;
  readonly forced: boolean;
  readonly by: string;
  readonly why: string;
  readonly requestedAt: Date;
  readonly doneAt: Date | null;
  readonly accepted: boolean | null;
  readonly outcome: string | null;
}

export async function requestsOf(data: ShopData, sagaId: string): Promise<Request[]> {
  return data.at('orders').rows(sql<Request>`
    select id, action, forced, requested_by as "by", why, requested_at as "requestedAt", done_at as "doneAt", accepted,
      outcome
    from operator_request where saga_id = ${sagaId} order by requested_at`);
}

export interface Ask {
  readonly sagaId: string;
  readonly action: 'retry' | 'compensate';
  readonly forced: boolean;
}

/** Writes a request and its record; returns the request's id. `intent` is what the operator wants by it. */
export async function askSaga(
  tx: Tx,
  data: ShopData,
  ask: Ask,
  warrant: Warrant,
  intent: Ask['action'] = ask.action,
): Promise<string> {
  const id = data.runtime.ids.uuid();
  await requestMove(tx, { ...ask, ...warrant, id, saga: 'checkout' });
  const details = { request: id, forced: ask.forced };
  await recordAction(tx, data, { ...warrant, action: `saga.${intent}`, target: ask.sagaId, details });
  return id;
}

export interface Answer {
  readonly accepted: boolean;
  readonly outcome: string;
}

const POLL_MS = 200;

/** Waits for the owning service; undefined when it has not answered in time. The request stays. */
export async function awaitAnswer(data: ShopData, id: string, seconds: number): Promise<Answer | undefined> {
  const { clock } = data.runtime;
  const until = clock.monotonicMs() + seconds * 1000;
  for (;;) {
    const row = await data.at('orders').maybe(sql<Answer>`
      select accepted, outcome from operator_request where id = ${id} and done_at is not null`);
    if (row !== undefined || clock.monotonicMs() >= until) return row;
    await clock.sleep(POLL_MS);
  }
}
