import { Code } from '@connectrpc/connect';
import { failedPrecondition } from '@stoa/chassis/rpc/errors';
import { expect, test } from 'vitest';
import { untilReopened } from '../../src/api/reopening-cart.ts';
import type { OrdersContext } from '../../src/context.ts';
import type { OrderStatus } from '../../src/domain/order.ts';

const spent = failedPrecondition('CART_ALREADY_ORDERED', 'ordered already');
const never = new AbortController().signal;

/** How long it waited; the newest order of the cart has the status, and the call so much time left. */
async function waited(status: OrderStatus | undefined, leftMs: number | undefined, refusal: unknown = spent) {
  let sleptMs = 0;
  const ports = {
    db: { maybe: async () => status && { status } },
    clock: {
      sleep: async (ms: number) => {
        sleptMs += ms;
      },
    },
  } as unknown as OrdersContext;
  await untilReopened(ports, 'cart', refusal, { signal: never, timeoutMs: () => leftMs });
  return sleptMs;
}

test.each(['REJECTED', 'CANCELLED'] as const)('a cart whose last order is %s is waited for', async (status) => {
  expect(await waited(status, 8000)).toBeGreaterThan(0);
  expect(await waited(status, undefined)).toBeGreaterThan(0);
});

test.each(['PENDING', 'CONFIRMED', undefined] as const)('one whose last order is %s stays refused', async (status) => {
  await expect(waited(status, 8000)).rejects.toBe(spent);
});

test('another refusal stays what it is', async () => {
  const empty = failedPrecondition('CART_EMPTY', 'nothing in it');
  await expect(waited('REJECTED', 8000, empty)).rejects.toBe(empty);
});

test('with too little time for another attempt the caller is asked to repeat the request', async () => {
  const details = [{ value: { reason: 'CART_REOPENING' } }];
  await expect(waited('REJECTED', 550)).rejects.toMatchObject({ code: Code.Aborted, details });
});
