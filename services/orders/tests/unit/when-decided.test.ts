import { expect, test } from 'vitest';
import { whenDecided } from '../../src/api/when-decided.ts';
import type { OrdersContext } from '../../src/context.ts';
import { place } from '../../src/domain/order.ts';
import { encodeOrder } from '../../src/infrastructure/order-message.ts';
import { purchase } from './examples.ts';

const pending = place(purchase, new Date(0));
const confirmed = { ...pending, status: 'CONFIRMED', version: 2n } as const;
const never = new AbortController().signal;

/** What is answered and after how long, by a clock that only waiting moves; `read` is what the database does. */
async function waited(waitMs: number, leftMs: number | undefined, read: () => unknown[]) {
  let nowMs = 0;
  const warnings: string[] = [];
  const ports = {
    clock: { monotonicMs: () => nowMs },
    deps: {
      outcomes: {
        wait: async (_id: string, ms: number) => {
          nowMs += ms;
        },
      },
    },
    db: { rows: async () => read() },
    log: { warn: (message: string) => warnings.push(message) },
  } as unknown as OrdersContext;
  const order = await whenDecided(ports, pending, waitMs, { signal: never, timeoutMs: () => leftMs });
  return { status: order.status, nowMs, warnings: warnings.length };
}

const still = () => [{ id: pending.id, state: encodeOrder(pending) }];

test('who waits is answered in time for the answer to arrive, however long they wanted to wait', async () => {
  expect(await waited(5000, 8000, still)).toMatchObject({ status: 'PENDING', nowMs: 5000 });
  expect(await waited(5000, undefined, still)).toMatchObject({ status: 'PENDING', nowMs: 5000 });
  const { status, nowMs } = await waited(5000, 3000, still);
  expect([status, nowMs < 3000]).toEqual(['PENDING', true]);
  expect(await waited(5000, 100, still)).toMatchObject({ status: 'PENDING', nowMs: 0 });
});

test('a database that fails while somebody waits does not hide the order that it has stored', async () => {
  const fails = () => {
    throw new Error('the connection is gone');
  };
  expect(await waited(5000, 8000, fails)).toMatchObject({ status: 'PENDING', warnings: 1 });
});

test('the outcome ends the wait', async () => {
  const decided = () => [{ id: pending.id, state: encodeOrder(confirmed) }];
  expect(await waited(5000, 8000, decided)).toMatchObject({ status: 'CONFIRMED', warnings: 0 });
});
