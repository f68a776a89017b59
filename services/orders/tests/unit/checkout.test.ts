// The decisions of the checkout saga: every pair of state and trigger, and what no sequence of them may bring about.
import { isTerminal } from '@stoa/chassis/saga/define';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evolve, type Order, place } from '../../src/domain/order.ts';
import {
  CUSTOMER_REQUEST,
  longestHoldSeconds,
  PAYMENT_ACTION_EXPIRED,
  paymentActionSeconds,
} from '../../src/saga/checkout.ts';
import { orderChange } from '../../src/saga/order-change.ts';
import { data, purchase } from './examples.ts';
import { ANSWERS, decideIn, HAPPENINGS, type Happening, type Reply, shortName, startWalk, step } from './walk.ts';

/** What each state answers: the state after it and the command that is sent. Whatever is not listed is ignored. */
const TABLE: Readonly<Record<string, Partial<Record<Happening, string>>>> = {
  RESERVING: {
    StockReserved: 'AUTHORIZING AuthorizePayment',
    StockReservationRefused: 'COMPENSATED',
    timer: 'UNDOING_RESERVING ReleaseStock',
    cancel: 'UNDOING_RESERVING ReleaseStock',
    'turn back': 'UNDOING_RESERVING ReleaseStock',
    'turn back by force': 'UNDOING_RESERVING ReleaseStock',
    repeat: 'RESERVING ReserveStock',
  },
  AUTHORIZING: {
    PaymentActionRequired: 'AUTHORIZING',
    PaymentAuthorized: 'COMMITTING_STOCK CommitStock',
    PaymentDeclined: 'UNDOING_RESERVING ReleaseStock',
    timer: 'UNDOING_AUTHORIZING CancelPayment',
    cancel: 'UNDOING_AUTHORIZING CancelPayment',
    'turn back': 'UNDOING_AUTHORIZING CancelPayment',
    'turn back by force': 'UNDOING_AUTHORIZING CancelPayment',
    repeat: 'AUTHORIZING AuthorizePayment',
  },
  COMMITTING_STOCK: {
    StockCommitted: 'CAPTURING CapturePayment',
    StockCommitRefused: 'UNDOING_AUTHORIZING CancelPayment',
    timer: 'UNDOING_AUTHORIZING CancelPayment',
    cancel: 'UNDOING_AUTHORIZING CancelPayment',
    'turn back': 'UNDOING_AUTHORIZING CancelPayment',
    'turn back by force': 'UNDOING_AUTHORIZING CancelPayment',
    repeat: 'COMMITTING_STOCK CommitStock',
  },
  CAPTURING: {
    PaymentCaptured: 'ARRANGING_SHIPMENT CreateShipment',
    PaymentCaptureFailed: 'UNDOING_AUTHORIZING CancelPayment',
    'turn back by force': 'UNDOING_AUTHORIZING CancelPayment',
    timer: 'CAPTURING CapturePayment',
    repeat: 'CAPTURING CapturePayment',
  },
  ARRANGING_SHIPMENT: {
    ShipmentCreated: 'COMPLETED',
    ShipmentRefused: 'UNDOING_AUTHORIZING CancelPayment',
    timer: 'ARRANGING_SHIPMENT CreateShipment',
    repeat: 'ARRANGING_SHIPMENT CreateShipment',
  },
  UNDOING_AUTHORIZING: {
    PaymentCancelled: 'UNDOING_RESERVING ReleaseStock',
    timer: 'UNDOING_AUTHORIZING CancelPayment',
    repeat: 'UNDOING_AUTHORIZING CancelPayment',
  },
  UNDOING_RESERVING: {
    StockReleased: 'COMPENSATED',
    timer: 'UNDOING_RESERVING ReleaseStock',
    repeat: 'UNDOING_RESERVING ReleaseStock',
  },
  COMPLETED: {},
  COMPENSATED: {},
};

const pairs = Object.keys(TABLE).flatMap((state) => HAPPENINGS.map((happening) => [state, happening] as const));

test.each(pairs)('%s answers %s as the table says', (state, happening) => {
  const decision = decideIn(state, happening);
  const told =
    decision.kind === 'ignored'
      ? 'ignored'
      : [decision.state, ...(decision.command === undefined ? [] : [shortName(decision.command.schema)])].join(' ');
  expect(told).toBe(TABLE[state]?.[happening] ?? 'ignored');
});

test('whoever waits for a reply has a timer, and nobody else has', () => {
  for (const [state, happening] of pairs) {
    const decision = decideIn(state, happening);
    if (decision.kind === 'moved') expect(decision.wakeAfterSeconds !== undefined).toBe(!isTerminal(decision.state));
  }
});

test('a step that nobody answers for a quarter of an hour calls for a person and goes on asking', () => {
  for (const state of ['CAPTURING', 'ARRANGING_SHIPMENT', 'UNDOING_AUTHORIZING', 'UNDOING_RESERVING']) {
    expect(decideIn(state, 'timer', 899)).toMatchObject({ state, openManualTask: false });
    expect(decideIn(state, 'timer', 900)).toMatchObject({ state, openManualTask: true });
  }
});

describe('a customer who must act at the bank', () => {
  test('has the time that was promised, and a little more; the stock is held for longer than that', () => {
    expect(decideIn('AUTHORIZING', 'PaymentActionRequired')).toMatchObject({ wakeAfterSeconds: 630, isExtended: true });
    expect(longestHoldSeconds(900)).toBe(120 + 60 + 120 + 900 + 30);
    expect(longestHoldSeconds(900)).toBeLessThanOrEqual(1800);
  });

  test('is asked once: told again, or told too late, it changes nothing', () => {
    expect(decideIn('AUTHORIZING', 'PaymentActionRequired', 0, true)).toEqual({ kind: 'ignored' });
    for (const state of Object.keys(TABLE).filter((name) => name !== 'AUTHORIZING')) {
      expect(decideIn(state, 'PaymentActionRequired')).toEqual({ kind: 'ignored' });
    }
  });

  test('who never comes back gives the payment and the stock back, for a reason of its own', () => {
    const given = { state: 'UNDOING_AUTHORIZING', reason: PAYMENT_ACTION_EXPIRED, isExtended: false };
    expect(decideIn('AUTHORIZING', 'timer', 630, true)).toMatchObject(given);
  });

  test('of a checkout that began before this was known has a quarter of an hour', () => {
    const { paymentActionSeconds: _, ...older } = data;
    expect(paymentActionSeconds(older)).toBe(900);
  });
});

test('the saga keeps the first reason for turning back', () => {
  expect(decideIn('RESERVING', 'StockReservationRefused')).toMatchObject({ reason: 'INSUFFICIENT_STOCK' });
  expect(decideIn('AUTHORIZING', 'timer')).toMatchObject({ reason: 'AUTHORIZING_TIMED_OUT' });
  expect(decideIn('COMMITTING_STOCK', 'cancel')).toMatchObject({ reason: CUSTOMER_REQUEST });
  expect(decideIn('UNDOING_AUTHORIZING', 'PaymentCancelled')).toMatchObject({ reason: 'EARLIER_REASON' });
  expect(decideIn('UNDOING_RESERVING', 'StockReleased')).toMatchObject({ reason: 'EARLIER_REASON' });
});

describe('whatever happens in whatever order', () => {
  const sequences = fc.array(fc.constantFrom(...HAPPENINGS), { maxLength: 40 });
  const walked = (happenings: readonly Happening[]) => happenings.reduce(step, startWalk());
  const isTurned = (state: string) => state.startsWith('UNDOING_') || state === 'COMPENSATED';

  test('nothing is authorized, committed, captured or shipped after turning back', () => {
    fc.assert(
      fc.property(sequences, (happenings) => {
        let walk = startWalk();
        for (const happening of happenings) {
          const next = step(walk, happening);
          if (isTurned(next.saga.state)) {
            for (const command of next.sent.slice(walk.sent.length)) {
              expect(['CancelPayment', 'ReleaseStock']).toContain(command);
            }
          }
          walk = next;
        }
      }),
    );
  });

  test('who ends compensated has undone whatever may have been done, the payment first', () => {
    fc.assert(
      fc.property(sequences, (happenings) => {
        const { saga, sent, moves } = finish(walked(happenings), () => 0);
        if (saga.state !== 'COMPENSATED') return;
        const [first] = moves;
        const refusedAtOnce = first?.from === 'RESERVING' && first.to === 'COMPENSATED';
        expect(sent.includes('ReleaseStock')).toBe(!refusedAtOnce);
        const declined = moves.some(({ from, to }) => from === 'AUTHORIZING' && to === 'UNDOING_RESERVING');
        expect(sent.includes('CancelPayment')).toBe(sent.includes('AuthorizePayment') && !declined);
        if (sent.includes('CancelPayment')) {
          expect(sent.lastIndexOf('CancelPayment')).toBeLessThan(sent.indexOf('ReleaseStock'));
        }
      }),
    );
  });

  test('who ends completed has undone nothing', () => {
    fc.assert(
      fc.property(sequences, (happenings) => {
        const { saga, sent } = finish(walked(happenings), () => 0);
        if (saga.state !== 'COMPLETED') return;
        expect(sent).not.toContain('CancelPayment');
        expect(sent).not.toContain('ReleaseStock');
      }),
    );
  });

  test('it ends as soon as its commands are answered, each by any of its answers', () => {
    const choices = fc.infiniteStream(fc.nat({ max: 1 }));
    fc.assert(
      fc.property(sequences, choices, (happenings, choice) => {
        const walk = finish(walked(happenings), () => choice.next().value as number);
        expect(isTerminal(walk.saga.state)).toBe(true);
      }),
    );
  });

  test('a finished saga changes no more', () => {
    fc.assert(
      fc.property(sequences, sequences, (before, after) => {
        const ended = finish(walked(before), () => 0);
        expect(after.reduce(step, ended)).toBe(ended);
      }),
    );
  });

  test('the order follows: legal changes only, and an end that fits the saga’s', () => {
    const choices = fc.infiniteStream(fc.nat({ max: 1 }));
    fc.assert(
      fc.property(sequences, choices, (happenings, choice) => {
        const { saga, moves } = finish(walked(happenings), () => choice.next().value as number);
        let order: Order = place(purchase, new Date(0));
        let wasConfirmed = false;
        for (const move of moves) {
          const change = orderChange(move, order, new Date(1));
          if (change !== undefined) order = evolve(order, change, new Date(1));
          wasConfirmed ||= order.status === 'CONFIRMED';
        }
        const calledOff = wasConfirmed || saga.reason === CUSTOMER_REQUEST;
        const compensated = calledOff ? 'CANCELLED' : 'REJECTED';
        expect(order.status).toBe(saga.state === 'COMPLETED' ? 'CONFIRMED' : compensated);
        expect(order.trackingNumber).toBe(saga.state === 'COMPLETED' ? '00340001' : '');
        expect(order.reason).toBe(saga.reason);
        expect(order.paymentAction).toBeUndefined();
      }),
    );
  });
});

/** Answers whatever is asked, as reliable participants would; at most so often as there are states. */
function finish(walk: ReturnType<typeof startWalk>, choose: () => number): ReturnType<typeof startWalk> {
  let ended = walk;
  for (let left = 12; left > 0 && !isTerminal(ended.saga.state); left--) {
    const answers = ANSWERS[ended.sent.at(-1) as string] as readonly Reply[];
    ended = step(ended, answers[choose() % answers.length] as Reply);
  }
  return ended;
}
