// I7: the sandbox holds no customer's money for an order that is over. What an outside provider holds is I6e's.
import type { Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Invariant } from '../invariant.ts';
import { underRemedy } from '../remedied.ts';
import { batches } from '../stream.ts';

interface OpenCharge {
  readonly payment_id: string;
  readonly order_ref: string;
  readonly state: string;
}

const OPEN = `select payment_id, order_ref, state from charge where state in ('AUTHORIZED', 'PROCESSING')`;

export const noOrphanAuthorization: Invariant = {
  id: 'I7',
  title: 'no authorization outlives its order',
  needs: ['orders', 'payments', 'sandbox'],
  async check(look) {
    const found = collect();
    let open = 0;
    const { payments: waiting } = await underRemedy(look.at('payments'));
    for await (const charges of batches<OpenCharge>(look.at('sandbox'), OPEN)) {
      open += charges.length;
      const states = await sagaStates(
        look.at('orders'),
        charges.map(({ order_ref }) => order_ref),
      );
      for (const { payment_id, order_ref, state } of charges) {
        const saga = states.get(order_ref);
        const over = saga === undefined || saga === 'COMPLETED' || saga === 'COMPENSATED';
        if (over) {
          const text = `${state} at the provider, its order ${order_ref} is ${saga ?? 'unknown'}`;
          const isWaiting = waiting.has(payment_id);
          found.add({ key: `payment ${payment_id}`, text, orderId: order_ref, isWaiting });
        }
      }
    }
    return found.outcome([open, 'open authorizations']);
  },
};

async function sagaStates(orders: Queryable, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await orders.rows(sql<{ saga_id: string; state: string }>`
    select saga_id, state from saga where saga_id = any(${ids}::uuid[])`);
  return new Map(rows.map(({ saga_id, state }) => [saga_id, state]));
}
