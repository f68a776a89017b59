// I12: all or nothing. A completed checkout has its payment and its shipment and never turned back; a compensated one
// has undone whatever it had done, and nothing of it is left at the others.

import { sql } from '@stoa/chassis/postgres/sql';
import { undoing } from '@stoa/chassis/saga/define';
import { checkout } from '@stoa/orders/saga/checkout';
import { collect, type Invariant } from '../invariant.ts';
import type { Look } from '../look.ts';
import { batches, type Keyed, mergeByKey } from '../stream.ts';

type Collection = ReturnType<typeof collect>;

interface StateRow extends Keyed {
  readonly state: string;
}

const SAGAS = `select saga_id as key, state from saga where state in ('COMPLETED', 'COMPENSATED') order by saga_id`;
const PAYMENTS = 'select order_id as key, state from payment order by order_id';
const SHIPMENTS = 'select order_id as key, state from shipment order by order_id';
const UNDONE = new Set(['DECLINED', 'VOIDED', 'REFUNDED']);

export const sagaAtomicity: Invariant = {
  id: 'I12',
  title: 'checkouts are all or nothing',
  needs: ['orders', 'payments', 'shipping'],
  async check(look) {
    const found = collect();
    await findContradictions(look, found);
    let ended = 0;
    await mergeByKey<[StateRow, StateRow, StateRow]>(
      [
        batches(look.at('orders'), SAGAS),
        batches(look.at('payments'), PAYMENTS),
        batches(look.at('shipping'), SHIPMENTS),
      ],
      (id, [saga], [payment], [shipment]) => {
        if (saga === undefined) return;
        ended++;
        const text = saga.state === 'COMPLETED' ? lacking(payment, shipment) : leftOver(payment, shipment);
        if (text !== undefined) found.add({ key: `order ${id}`, text: `${saga.state}, but ${text}`, orderId: id });
      },
    );
    return found.outcome([ended, 'checkouts ended']);
  },
};

function lacking(payment: StateRow | undefined, shipment: StateRow | undefined): string | undefined {
  if (payment?.state !== 'CAPTURED') return `its payment is ${payment?.state ?? 'missing'}`;
  if (shipment?.state !== 'CREATED') return `its shipment is ${shipment?.state ?? 'missing'}`;
  return undefined;
}

function leftOver(payment: StateRow | undefined, shipment: StateRow | undefined): string | undefined {
  if (payment !== undefined && !UNDONE.has(payment.state)) return `its payment is ${payment.state}`;
  if (shipment?.state === 'CREATED') return 'its shipment goes out';
  return undefined;
}

interface Contradiction {
  readonly saga_id: string;
  readonly what: string;
}

/** Saga, order and transitions are in one snapshot: nothing is excused. */
async function findContradictions(look: Look, found: Collection): Promise<void> {
  const undone = checkout.steps.filter(({ undo }) => undo !== undefined).map(({ state }) => state);
  const rows = await look.at('orders').rows(sql<Contradiction>`
    with path as (
      select saga_id, array_agg(from_state || '>' || to_state) as moves,
        bool_or(from_state like 'UNDOING%' or to_state like 'UNDOING%') as turned
      from saga_transition group by saga_id
    )
    select s.saga_id, case
        when s.state = 'COMPLETED' and o.status <> 'CONFIRMED' then 'COMPLETED, but the order is ' || o.status
        when s.state = 'COMPENSATED' and o.status not in ('REJECTED', 'CANCELLED')
          then 'COMPENSATED, but the order is ' || o.status
        when s.state not in ('COMPLETED', 'COMPENSATED') and o.status in ('REJECTED', 'CANCELLED')
          then s.state || ', but the order is already ' || o.status
        when s.state in ('RESERVING', 'AUTHORIZING', 'COMMITTING_STOCK', 'CAPTURING') and o.status <> 'PENDING'
          then s.state || ', but the order is already ' || o.status
        when s.state = 'COMPLETED' and p.turned then 'COMPLETED after a compensation had begun'
        else 'COMPENSATED without undoing ' || u.step end as what
    from saga s join orders o on o.id = s.saga_id join path p on p.saga_id = s.saga_id
      left join unnest(${undone}::text[], ${undone.map(undoing)}::text[]) as u (step, undo)
        on s.state = 'COMPENSATED'
          and exists (select from unnest(p.moves) m
            where m like u.step || '>%' and m not like '%>UNDOING%' and m not like '%>COMPENSATED'
              and m <> u.step || '>' || u.step)
          and not exists (select from unnest(p.moves) m
            where m like u.undo || '>%' and m <> u.undo || '>' || u.undo)
    where (s.state = 'COMPLETED' and (o.status <> 'CONFIRMED' or p.turned))
      or (s.state = 'COMPENSATED' and (o.status not in ('REJECTED', 'CANCELLED') or u.step is not null))
      or (s.state not in ('COMPLETED', 'COMPENSATED') and o.status in ('REJECTED', 'CANCELLED'))
      or (s.state in ('RESERVING', 'AUTHORIZING', 'COMMITTING_STOCK', 'CAPTURING') and o.status <> 'PENDING')
    order by s.saga_id`);
  for (const { saga_id, what } of rows) found.add({ key: `saga ${saga_id}`, text: what });
}
