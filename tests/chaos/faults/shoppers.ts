// Trouble that comes in by the front door: a payment provider that hangs or charges late, buyers in a hurry.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Arena } from '../arena.ts';
import { anySku, buy, cancel, confirmsOrders, decided, place, prepare, withShop } from '../buyers.ts';
import type { Fault } from '../fault.ts';
import { seconds } from '../tools.ts';

function provider(id: string, title: string, token: string, ends: string, long: boolean): Fault {
  return {
    id,
    title,
    expectation: `other orders go on; this one ends ${ends}, and the provider's ledger agrees`,
    long,
    inject: (arena) =>
      withShop(arena, async (shop) => {
        const sku = await anySku(shop);
        const tickets = await Promise.all(Array.from({ length: 5 }, () => buy(shop, sku, token)));
        await confirmsOrders(arena);
        for (const ticket of tickets) {
          const status = await decided(shop, ticket);
          if (status !== ends) throw new Error(`${token}: the order ended ${status} and not ${ends}`);
        }
      }),
  };
}

/** Only decides when a run is given up: the charge comes after 20 s, the reconciler looks every minute. */
const VOIDED_WITHIN_MS = 240_000;

/** Orders that are cancelled before the provider has done anything; then it charges all the same. */
function voided(id: string, title: string, token: string): Fault {
  return {
    id,
    title,
    expectation: 'the reconciler finds the late charge and gives it back',
    long: true,
    inject: (arena) =>
      withShop(arena, async (shop) => {
        const sku = await anySku(shop);
        const tickets = await Promise.all(Array.from({ length: 3 }, () => buy(shop, sku, token)));
        // Not before the provider was asked: what it was never asked for it does not charge.
        await asked(
          arena,
          tickets.map((ticket) => ticket.id),
        );
        for (const ticket of tickets) await cancel(shop, ticket);
        for (const ticket of tickets) await decided(shop, ticket);
        await chargedAndReturned(
          arena,
          tickets.map((ticket) => ticket.id),
        );
      }),
  };
}

const asked = ({ databases }: Arena, orders: readonly string[]) =>
  counted(databases.sandbox, 'select count(*)::int as count from charge where order_ref = any($1)', orders);

const chargedAndReturned = ({ databases }: Arena, orders: readonly string[]) =>
  counted(
    databases.payments,
    `select count(*)::int as count from reconciliation_finding f join payment p using (payment_id)
     where p.order_id = any($1::uuid[]) and f.resolved_at is not null`,
    orders,
  );

/** Waits until the query counts as many as there are orders. */
async function counted(url: string | undefined, query: string, orders: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url as string });
  await client.connect();
  try {
    for (const until = Date.now() + VOIDED_WITHIN_MS; Date.now() < until; await seconds(0.2)) {
      const { rows } = await client.query<{ count: number }>(query, [orders]);
      if (rows[0]?.count === orders.length) return;
    }
    throw new Error(`this did not come to ${orders.length}: ${query}`);
  } finally {
    await client.end();
  }
}

export const shoppers: readonly Fault[] = [
  provider('F24', 'the provider accepts and never answers', 'tok_hang', 'REJECTED', true),
  provider('F25', 'the provider charges and drops the answer', 'tok_charge_then_hang', 'CONFIRMED', false),
  provider('F26a', 'the provider knows nothing and charges 20 s later', 'tok_late_charge', 'CONFIRMED', false),
  voided('F26b', 'the provider charges after the order was given up', 'tok_charge_after_void'),
  ...['duplicated', 'reordered', 'forged', 'lost'].map((kind, n) =>
    provider(`F28${'abcd'[n]}`, `webhooks are ${kind}`, `tok_webhook_${kind}`, 'CONFIRMED', true),
  ),
  provider('F27a', 'the provider fails once', 'tok_error_once', 'CONFIRMED', false),
  provider('F27c', 'the provider captures half', 'tok_partial_capture', 'REJECTED', false),
  provider('F27d', 'the provider answers garbage', 'tok_garbage', 'CONFIRMED', false),
  provider('F27e', 'the provider has had too many requests', 'tok_rate_limited', 'CONFIRMED', false),
  provider(
    'F27f',
    'half is captured, and giving it back fails ten times',
    'tok_partial_refund_fails',
    'REJECTED',
    true,
  ),
  provider('F27b', 'the capture is refused', 'tok_fail_capture', 'REJECTED', false),
  {
    id: 'F29',
    title: 'one key 50 times in parallel, and with another cart',
    expectation: 'one order; the other cart is refused',
    inject: (arena) =>
      withShop(arena, async (shop) => {
        const sku = await anySku(shop);
        const key = randomUUID();
        const input = await prepare(shop, sku, 'tok_approve', key);
        const answers = await Promise.all(Array.from({ length: 51 }, () => place(shop, input)));
        const ids = new Set(answers.map((answer) => (answer.ok ? answer.order.id : answer.code)));
        if (ids.size !== 1) throw new Error(`one key gave ${[...ids].join(', ')}`);
        const other = await place(shop, await prepare(shop, sku, 'tok_approve', key));
        if (other.ok || other.code !== 'KEY_REUSED') throw new Error('the key was accepted for another cart');
      }),
  },
  {
    id: 'F30',
    title: '40 orders cancelled while they are being captured',
    expectation: 'each is either cancelled with its money back, or confirmed and told that it is too late',
    inject: (arena) =>
      withShop(arena, async (shop) => {
        const sku = await anySku(shop);
        await Promise.all(
          Array.from({ length: 40 }, async (_, index) => {
            const ticket = await buy(shop, sku, 'tok_approve');
            await seconds((index % 10) * 0.02);
            const isCancelled = await cancel(shop, ticket);
            const status = await decided(shop, ticket);
            const expected = isCancelled ? 'CANCELLED' : 'CONFIRMED';
            if (status !== expected)
              throw new Error(`cancelling was ${isCancelled ? 'accepted' : 'refused'}, but the order is ${status}`);
          }),
        );
      }),
  },
];
