// I8: what was accepted exists, whole: key, order, first event, saga and contact were written together, and whatever
// another service did, it did for an order that exists.
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Invariant } from '../invariant.ts';
import type { Look } from '../look.ts';
import { batches, type Keyed, mergeByKey } from '../stream.ts';

type Collection = ReturnType<typeof collect>;

export const noLostOrder: Invariant = {
  id: 'I8',
  title: 'no accepted order is lost',
  needs: ['orders', 'payments', 'shipping', 'notifications', 'cart'],
  async check(look) {
    const found = collect();
    await findIncomplete(look, found);
    const orders = await findStrangers(look, found);
    const { keys } = await look.at('orders').one(sql<{ keys: bigint }>`select count(*) as keys from idempotency_key`);
    return found.outcome([orders, 'orders'], [keys, 'idempotency keys']);
  },
};

interface Missing {
  readonly id: string;
  readonly what: string;
}

/**
 * All in one snapshot, so nothing is excused. Keys are forgotten after a time, the oldest first (a month unless it was
 * set otherwise, never less than a day): an order is asked for its key when it is younger than the oldest key is.
 */
async function findIncomplete(look: Look, found: Collection): Promise<void> {
  const rows = await look.at('orders').rows(sql<Missing>`
    with placed as (
      select aggregate_id::uuid as id from outbox
      where topic = 'orders.events' and type = 'stoa.orders.v1.OrderPlaced' and aggregate_version = 1
    ), keyed_since as (
      select least(min(created_at) + interval '1 minute', now() - interval '1 day') as at from idempotency_key
    )
    select k.order_id as id, 'has the key ' || k.key || ' of ' || k.scope || ' and does not exist' as what
    from idempotency_key k left join orders o on o.id = k.order_id where o.id is null
    union all
    select o.id, 'has no idempotency key' from orders o left join idempotency_key k on k.order_id = o.id
    where k.order_id is null and o.placed_at > (select at from keyed_since)
    union all
    select o.id, 'has no contact' from orders o left join order_contact c on c.order_id = o.id where c.order_id is null
    union all
    select o.id, 'has no saga' from orders o left join saga s on s.saga_id = o.id where s.saga_id is null
    union all
    select s.saga_id, 'has a saga and does not exist' from saga s left join orders o on o.id = s.saga_id
    where o.id is null and s.name = 'checkout'
    union all
    select o.id, 'has no OrderPlaced at version 1' from orders o left join placed p on p.id = o.id where p.id is null
    union all
    select p.id, 'was placed and does not exist' from placed p left join orders o on o.id = p.id where o.id is null`);
  for (const { id, what } of rows) found.add({ key: `order ${id} ${what}`, text: `the order ${what}` });
}

const ORDERS = 'select id as key from orders order by id';
const REFERENCES: readonly { readonly database: string; readonly what: string; readonly query: string }[] = [
  { database: 'payments', what: 'a payment', query: 'select order_id as key from payment order by order_id' },
  { database: 'shipping', what: 'a shipment', query: 'select order_id as key from shipment order by order_id' },
  {
    database: 'notifications',
    what: 'a mail',
    query: 'select distinct order_id as key from notification order by order_id',
  },
  {
    database: 'cart',
    what: 'a spent cart',
    query: 'select order_id as key from cart where order_id is not null order by 1',
  },
  { database: 'sandbox', what: 'a charge', query: 'select distinct order_ref::uuid as key from charge order by 1' },
];

/** Orders that only others know: ours must have been lost. One that is new since our snapshot is there at a second look. */
async function findStrangers(look: Look, found: Collection): Promise<number> {
  const asked = REFERENCES.filter(({ database }) => look.has(database));
  const sources = asked.map(({ database, query }) => batches<Keyed>(look.at(database), query));
  let orders = 0;
  await mergeByKey<Keyed[]>([batches<Keyed>(look.at('orders'), ORDERS), ...sources], (id, own, ...others) => {
    if (own !== undefined && own.length > 0) {
      orders++;
      return;
    }
    const who = asked.filter((_, index) => (others[index]?.length ?? 0) > 0).map(({ what }) => what);
    found.add({ key: `order ${id}`, text: `${who.join(', ')} of an order that does not exist` });
  });
  return orders;
}
