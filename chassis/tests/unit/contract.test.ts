import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { readContract } from '@stoa/chassis/testing/contract';
import { StockReservationRefusedSchema } from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { OrderPlacedSchema } from '@stoa/proto/stoa/orders/v1/events_pb';
import { OrderStatus } from '@stoa/proto/stoa/orders/v1/order_pb';
import { afterAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'stoa-contract-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ID = '0190a000-0000-7000-8000-000000000001';
const path = join(folder, 'a-b.json');
writeFileSync(
  path,
  JSON.stringify({
    provider: 'a',
    consumer: 'b',
    examples: {
      placed: {
        orderId: ID,
        order: {
          status: 'ORDER_STATUS_PENDING',
          lines: [{ sku: 'MUG', quantity: 2, unitPrice: { currency: 'EUR', minor: '1' } }],
          placedAt: '2026-01-01T00:00:00Z',
        },
      },
      refused: { orderId: ID, reason: 'INSUFFICIENT_STOCK' },
      misspelt: { order_ID: ID },
    },
  }),
);
const contract = readContract('a-b', pathToFileURL(`${folder}/`));

type Placed = MessageInitShape<typeof OrderPlacedSchema>;
const line = { sku: 'CAP', quantity: 1, unitPrice: { currency: 'USD', minor: 500n } };
const fine = {
  orderId: '0190a000-0000-7000-8000-0000000000ff',
  version: 9n,
  order: { status: OrderStatus.PENDING, lines: [line, line], placedAt: { seconds: 1n } },
} satisfies Placed;

const shortcomings = (init: Placed) =>
  contract.shortcomings('placed', OrderPlacedSchema, create(OrderPlacedSchema, init));

test('an example is a message; what only a running test knows is put into it', () => {
  const message = contract.example('placed', OrderPlacedSchema, { order: { cartId: ID } });
  expect(message).toMatchObject({ orderId: ID, order: { cartId: ID, status: OrderStatus.PENDING } });
});

describe('a message', () => {
  test('may differ in everything but its form, and may have more', () => {
    expect(shortcomings(fine)).toEqual([]);
  });

  test.each<[string, Placed]>([
    ['placed.orderId is missing', { ...fine, orderId: '' }],
    ['placed.orderId is not a UUID: order 7', { ...fine, orderId: 'order 7' }],
    ['placed.order is missing', { orderId: ID }],
    [
      'placed.order.status is 2 instead of ORDER_STATUS_PENDING',
      { ...fine, order: { ...fine.order, status: OrderStatus.CONFIRMED } },
    ],
    ['placed.order.lines is missing', { ...fine, order: { ...fine.order, lines: [] } }],
    ['placed.order.placedAt is missing', { ...fine, order: { status: OrderStatus.PENDING, lines: [line] } }],
    [
      'placed.order.lines[1].unitPrice.currency is not a currency: euro',
      {
        ...fine,
        order: { ...fine.order, lines: [line, { ...line, unitPrice: { currency: 'euro', minor: 1n } }] },
      },
    ],
  ])('falls short: %s', (told, init) => {
    expect(shortcomings(init)).toEqual([told]);
  });

  test('falls short when none came, or when its reason is prose', () => {
    expect(contract.shortcomings('refused', StockReservationRefusedSchema, undefined)).toEqual([
      'refused: nothing came',
    ]);
    const prose = create(StockReservationRefusedSchema, { orderId: ID, reason: 'there is not enough' });
    expect(contract.shortcomings('refused', StockReservationRefusedSchema, prose)).toHaveLength(1);
  });
});

test('an example that the contract cannot be is refused, and so is one that is not there', () => {
  expect(() => contract.example('misspelt', OrderPlacedSchema)).toThrow(/order_ID/);
  expect(() => contract.shortcomings('misspelt', OrderPlacedSchema, create(OrderPlacedSchema, fine))).toThrow(
    /order_ID/,
  );
  expect(() => contract.example('absent', OrderPlacedSchema)).toThrow('has no example "absent"');
});
