// I11b: the transitions of each saga are a path through its definition, without a gap, from its first state to the one
// it is in. Which moves are legal is asked of the pure decision itself.

import { sql } from '@stoa/chassis/postgres/sql';
import { decide, type Trigger } from '@stoa/chassis/saga/decide';
import { COMPLETED, type Json, type SagaDefinition, undoing } from '@stoa/chassis/saga/define';
import { BEYOND_PIVOT } from '@stoa/orders/saga/advance';
import { type CheckoutData, checkout } from '@stoa/orders/saga/checkout';
import { collect, type Invariant } from '../invariant.ts';

/** Any order: the moves do not depend on it. */
const ANY_ORDER: CheckoutData = {
  orderId: '00000000-0000-7000-8000-000000000000',
  lines: [],
  holdSeconds: 1,
  currency: 'EUR',
  totalMinor: '0',
  paymentMethodId: '',
  paymentToken: '',
  shippingMethodId: '',
};

/** Every pair of states that some trigger leads through; the start counts as a move from ''. */
export function legalMoves<Data extends Json>(definition: SagaDefinition<Data>, data: Data): [string, string][] {
  const { steps } = definition;
  const states = steps.flatMap(({ state, undo }) => (undo === undefined ? [state] : [state, undoing(state)]));
  const replies = steps.flatMap(({ success, refusals, extension, undo }) => [
    success.typeName,
    ...(extension === undefined ? [] : [extension.schema.typeName]),
    ...refusals.map(({ schema }) => schema.typeName),
    ...(undo === undefined ? [] : [undo.done.typeName]),
  ]);
  const triggers: Trigger[] = [
    ...replies.map((type): Trigger => ({ kind: 'reply', type, message: { reason: 'ANY' } })),
    { kind: 'timer' },
    { kind: 'repeat' },
    { kind: 'cancel', reason: 'ANY' },
    { kind: 'turn back', reason: 'ANY', beyondPivot: BEYOND_PIVOT },
  ];
  const moves = new Map<string, [string, string]>([['', ['', steps[0]?.state ?? COMPLETED]]]);
  for (const state of states) {
    for (const trigger of triggers) {
      const saga = { state, version: 1, data, reason: '', attempts: 1, isExtended: false, inStateSeconds: 0 };
      const decision = decide(definition, saga, trigger);
      if (decision.kind === 'moved') moves.set(`${state} ${decision.state}`, [state, decision.state]);
    }
  }
  return [...moves.values()];
}

interface Break {
  readonly saga_id: string;
  readonly version: number;
  readonly what: string;
}

export const legalSagaHistory: Invariant = {
  id: 'I11b',
  title: 'saga histories are paths',
  needs: ['orders'],
  async check(look) {
    const found = collect();
    const orders = look.at('orders');
    const moves = legalMoves(checkout, ANY_ORDER);
    const rows = await orders.rows(sql<Break>`
      with moves as (
        select saga_id, version, from_state, to_state, row_number() over w as n, lag(to_state, 1, '') over w as before,
          lead(version) over w is null as is_last
        from saga_transition window w as (partition by saga_id order by version)
      ), judged as (
        select m.saga_id, m.version, case
          when m.version <> m.n then 'the move before it is missing'
          when m.from_state <> m.before then 'starts in ' || m.from_state || ', the one before ended in ' || m.before
          when l.from_state is null then m.from_state || ' -> ' || m.to_state || ' is no move of the saga'
          when m.is_last and s.saga_id is null then 'there is no saga'
          when m.is_last and (s.state <> m.to_state or s.version <> m.version)
            then 'the saga is in ' || s.state || ' at version ' || s.version || ', its moves end in ' || m.to_state
          when m.is_last and s.definition_version <> ${checkout.version} then 'unknown version of the definition'
          end as what
        from moves m
          left join unnest(${moves.map(([from]) => from)}::text[], ${moves.map(([, to]) => to)}::text[])
            as l (from_state, to_state) on l.from_state = m.from_state and l.to_state = m.to_state
          left join saga s on m.is_last and s.saga_id = m.saga_id
      )
      select saga_id, version, what from judged where what is not null
      union all
      select s.saga_id, s.version, 'it has no moves' from saga s
      where not exists (select from saga_transition t where t.saga_id = s.saga_id)
      order by saga_id, version`);
    for (const { saga_id, version, what } of rows) found.add({ key: `saga ${saga_id} v${version}`, text: what });
    const { transitions } = await orders.one(sql<{ transitions: bigint }>`
      select count(*) as transitions from saga_transition`);
    return found.outcome([transitions, 'transitions'], [moves.length, 'legal moves']);
  },
};
