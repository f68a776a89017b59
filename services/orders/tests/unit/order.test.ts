import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  evolve,
  isAllowed,
  isDecided,
  isWorthTelling,
  type Order,
  type OrderChange,
  orderNumber,
  type Purchase,
  place,
  purchaseProblem,
} from '../../src/domain/order.ts';
import { eur, purchase } from './examples.ts';

const change: fc.Arbitrary<OrderChange> = fc.oneof(
  fc.constant({ kind: 'payment_action_required' as const, expiresAt: new Date(9) }),
  fc.constant({ kind: 'confirmed' as const }),
  fc.record({ kind: fc.constant('rejected' as const), reason: fc.constantFrom('INSUFFICIENT_STOCK', 'CARD_DECLINED') }),
  fc.record({ kind: fc.constant('cancelled' as const), reason: fc.constant('CUSTOMER_REQUEST') }),
  fc.record({ kind: fc.constant('shipment_created' as const), trackingNumber: fc.constant('00340001') }),
);

/** Every way that an order may go, written down apart from the code. */
const LEGAL = [
  'PENDING>PENDING',
  'PENDING>CONFIRMED',
  'PENDING>REJECTED',
  'PENDING>CANCELLED',
  'CONFIRMED>CONFIRMED+shipped',
  'CONFIRMED>CANCELLED',
];

const at = (n: number) => new Date(1_000_000 + n);
const told = ({ status, trackingNumber }: Order) => (trackingNumber === '' ? status : `${status}+shipped`);

/** The order after each change that was allowed; those that were not must throw and leave it as it was. */
function live(changes: readonly OrderChange[]): Order[] {
  const states = [place(purchase, at(0))];
  for (const [index, next] of changes.entries()) {
    const order = states.at(-1) as Order;
    if (isAllowed(order, next.kind)) states.push(evolve(order, next, at(index + 1)));
    else expect(() => evolve(order, next, at(index + 1))).toThrow('cannot be');
  }
  return states;
}

describe('whatever is tried with an order', () => {
  const sequences = fc.array(change, { maxLength: 12 });

  test('it only goes the ways there are', () => {
    fc.assert(
      fc.property(sequences, (changes) => {
        const states = live(changes);
        for (const [index, order] of states.slice(1).entries()) {
          expect(LEGAL).toContain(`${told(states[index] as Order)}>${told(order)}`);
        }
      }),
    );
  });

  test('its customer must act only while it is pending', () => {
    fc.assert(
      fc.property(sequences, (changes) => {
        for (const order of live(changes)) {
          if (order.paymentAction !== undefined) expect(order.status).toBe('PENDING');
          expect(isWorthTelling(order)).toBe(isDecided(order.status) || order.paymentAction !== undefined);
        }
      }),
    );
  });

  test('its versions are 1, 2, 3, … and what was bought stays what it was', () => {
    fc.assert(
      fc.property(sequences, (changes) => {
        for (const [index, order] of live(changes).entries()) {
          expect(order.version).toBe(BigInt(index + 1));
          expect(order).toMatchObject(purchase);
          expect(order.placedAt).toEqual(at(0));
        }
      }),
    );
  });

  test('once rejected, cancelled or shipped it changes no more', () => {
    fc.assert(
      fc.property(sequences, (changes) => {
        const states = live(changes);
        const end = states.findIndex((order) => ['REJECTED', 'CANCELLED', 'CONFIRMED+shipped'].includes(told(order)));
        if (end >= 0) expect(states).toHaveLength(end + 1);
      }),
    );
  });

  test('it has a reason exactly when it was rejected or cancelled', () => {
    fc.assert(
      fc.property(sequences, (changes) => {
        for (const { status, reason } of live(changes)) {
          expect(reason !== '').toBe(status === 'REJECTED' || status === 'CANCELLED');
        }
      }),
    );
  });
});

test('a customer who waits is told as soon as the order is no longer pending', () => {
  expect(isDecided('PENDING')).toBe(false);
  for (const status of ['CONFIRMED', 'REJECTED', 'CANCELLED'] as const) expect(isDecided(status)).toBe(true);
});

describe('a purchase', () => {
  const totals = (over: Partial<Purchase['totals']>): Purchase => ({
    ...purchase,
    totals: { ...purchase.totals, ...over },
  });

  test('that adds up has no problem', () => {
    expect(purchaseProblem(purchase)).toBeUndefined();
  });

  test('needs lines', () => {
    expect(purchaseProblem({ ...purchase, lines: [] })).toBe('NO_LINES');
  });

  test('is in one currency, to the last amount', () => {
    const usd = { currency: 'USD', minor: 490n };
    for (const part of ['subtotal', 'shipping', 'tax', 'total'] as const) {
      expect(purchaseProblem(totals({ [part]: usd }))).toBe('MIXED_CURRENCIES');
    }
    const [first, ...rest] = purchase.lines as [Purchase['lines'][number]];
    expect(purchaseProblem({ ...purchase, lines: [{ ...first, unitPrice: usd }, ...rest] })).toBe('MIXED_CURRENCIES');
    expect(purchaseProblem({ ...purchase, lines: [{ ...first, lineTotal: usd }, ...rest] })).toBe('MIXED_CURRENCIES');
  });

  test('that is off by any amount anywhere does not add up', () => {
    const off = fc.bigInt({ min: -10_000n, max: 10_000n }).filter((by) => by !== 0n);
    const part = fc.constantFrom('subtotal', 'shipping', 'total', 'unitPrice', 'lineTotal', 'quantity');
    fc.assert(
      fc.property(off, part, (by, where) => {
        const [first, ...rest] = purchase.lines as [Purchase['lines'][number]];
        const broken =
          where === 'subtotal' || where === 'shipping' || where === 'total'
            ? totals({ [where]: eur(purchase.totals[where].minor + by) })
            : where === 'quantity'
              ? { ...purchase, lines: [{ ...first, quantity: first.quantity + Number(by) }, ...rest] }
              : { ...purchase, lines: [{ ...first, [where]: eur(first[where].minor + by) }, ...rest] };
        expect(purchaseProblem(broken)).toBe('TOTALS_DISAGREE');
      }),
    );
  });

  test('adds up exactly, beyond what a double can hold', () => {
    const unit = 9_007_199_254_740_993n;
    const line = { ...(purchase.lines[0] as Purchase['lines'][number]), quantity: 3, unitPrice: eur(unit) };
    const big = (total: bigint): Purchase => ({
      ...purchase,
      lines: [{ ...line, lineTotal: eur(total) }],
      totals: { subtotal: eur(total), shipping: eur(0n), tax: eur(0n), total: eur(total) },
    });
    expect(purchaseProblem(big(3n * unit))).toBeUndefined();
    expect(purchaseProblem(big(3n * unit - 1n))).toBe('TOTALS_DISAGREE');
  });
});

test('an order number has ten letters and digits that nobody mistakes for each other', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 10, maxLength: 16 }), (random) => {
      expect(orderNumber(random)).toMatch(/^[0-9A-HJKMNP-TV-Z]{10}$/);
    }),
  );
  expect(new Set(Array.from({ length: 256 }, (_, byte) => orderNumber(new Uint8Array(10).fill(byte)))).size).toBe(32);
});
