// Trouble that comes in by the front door: a payment provider that hangs or charges late, buyers in a hurry.
import { randomUUID } from 'node:crypto';
import { anySku, buy, cancel, decided, place, prepare, withShop } from '../buyers.ts';
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
        for (const ticket of tickets) {
          const status = await decided(shop, ticket);
          if (status !== ends) throw new Error(`${token}: the order ended ${status} and not ${ends}`);
        }
      }),
  };
}

export const shoppers: readonly Fault[] = [
  provider('F24', 'the provider accepts and never answers', 'tok_hang', 'REJECTED', true),
  provider('F25', 'the provider charges and drops the answer', 'tok_charge_then_hang', 'CONFIRMED', false),
  provider('F27a', 'the provider fails once', 'tok_error_once', 'CONFIRMED', false),
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
