// The payment state machine, one rule a test.
import { describe, expect, test } from 'vitest';
import { mustRepeat } from '../../src/domain/decide.ts';
import { evolve } from '../../src/domain/evolve.ts';
import type { Payment } from '../../src/domain/payment.ts';
import {
  ACTION,
  actionRequired,
  after,
  approved,
  authorize,
  CANNOT_VOID_UNSEEN,
  cancel,
  capture,
  declined,
  failed,
  PAYMENT,
  unknown,
} from './fixtures.ts';

describe('authorize', () => {
  test('the first command writes the intent and answers nothing yet', () => {
    const { payment, answers } = after([authorize]);
    expect(payment).toMatchObject({ state: 'PENDING', operation: 'authorize', paymentId: PAYMENT, version: 0n });
    expect(answers).toEqual([]);
  });

  test('an approval is answered with Authorized, a refusal with Declined and its code', () => {
    expect(after([authorize, approved('authorize')]).answers).toEqual(['Authorized']);
    expect(after([authorize, declined('authorize')]).answers).toEqual(['Declined(CARD_DECLINED)']);
  });

  test('a repeated command gets the same answer again, with the next version', () => {
    const authorized = after([authorize, approved('authorize'), authorize]);
    expect(authorized.answers).toEqual(['Authorized']);
    expect(authorized.payment?.version).toBe(2n);
    expect(after([authorize, declined('authorize'), authorize]).answers).toEqual(['Declined(CARD_DECLINED)']);
  });

  test('a command repeated while the call is under way starts nothing and answers nothing', () => {
    expect(after([authorize, authorize]).events).toEqual([]);
    expect(after([authorize, unknown('authorize'), authorize]).events).toEqual([]);
  });

  test('a command repeated with another payment id keeps the first for ever', () => {
    const other = { ...authorize, paymentId: '01890000-0000-7000-8000-0000000000ff' };
    expect(after([authorize, other, approved('authorize'), other]).payment?.paymentId).toBe(PAYMENT);
  });

  test.each([
    { ...authorize, amountMinor: -1n },
    { ...authorize, currency: '' },
    { ...authorize, currency: 'eur' },
  ])('an amount that is none is declined without asking the provider', (command) => {
    const { payment, answers } = after([command]);
    expect(answers).toEqual(['Declined(INVALID_AMOUNT)']);
    expect(payment).toMatchObject({ state: 'DECLINED', operation: undefined });
  });
});

describe('unknown', () => {
  test('a timeout is told once and the same call stays due', () => {
    const first = after([authorize, unknown('authorize')]);
    expect(first.answers).toEqual(['BecameUnknown']);
    expect(first.payment).toMatchObject({ state: 'UNKNOWN', operation: 'authorize' });
    expect(after([authorize, unknown('authorize'), unknown('authorize')]).events).toEqual([]);
  });

  test('a server error leaves the state alone', () => {
    expect(after([authorize, failed('authorize')])).toMatchObject({ events: [], payment: { state: 'PENDING' } });
    expect(after([authorize, unknown('authorize'), failed('authorize')]).payment?.state).toBe('UNKNOWN');
  });

  test('a definite answer to the same key settles it', () => {
    expect(after([authorize, unknown('authorize'), approved('authorize')]).answers).toEqual(['Authorized']);
    expect(after([authorize, unknown('authorize'), declined('authorize')]).payment?.state).toBe('DECLINED');
  });

  test('an unknown capture keeps the capture due and never turns into a failure by itself', () => {
    const { payment, answers } = after([authorize, approved('authorize'), capture, unknown('capture')]);
    expect(answers).toEqual(['BecameUnknown']);
    expect(payment).toMatchObject({ state: 'UNKNOWN', operation: 'capture' });
  });
});

describe('capture', () => {
  test('an authorized payment is captured once and the answer repeated', () => {
    const captured = [authorize, approved('authorize'), capture, approved('capture')];
    expect(after(captured)).toMatchObject({ answers: ['Captured'], payment: { capturedMinor: 4200n } });
    expect(after([...captured, capture])).toMatchObject({ answers: ['Captured'], payment: { operation: undefined } });
  });

  test('a refused capture is answered, charges nothing and can be cancelled', () => {
    const refused = [authorize, approved('authorize'), capture, declined('capture', 'CAPTURE_REFUSED')];
    expect(after(refused)).toMatchObject({
      answers: ['CaptureFailed(CAPTURE_REFUSED)'],
      payment: { state: 'AUTHORIZED', capturedMinor: 0n },
    });
    expect(after([...refused, capture]).answers).toEqual(['CaptureFailed(CAPTURE_REFUSED)']);
    expect(after([...refused, cancel]).payment?.operation).toBe('void');
  });

  test('a capture that overtakes the authorization follows it', () => {
    const { payment, answers } = after([authorize, capture, approved('authorize')]);
    expect(answers).toEqual(['Authorized']);
    expect(payment?.operation).toBe('capture');
  });

  test('a declined authorization answers the waiting capture too', () => {
    expect(after([authorize, capture, declined('authorize')]).answers).toEqual([
      'Declined(CARD_DECLINED)',
      'CaptureFailed(NOT_AUTHORIZED)',
    ]);
  });

  test('a capture for an order never seen fails for good: a later authorization is refused', () => {
    expect(after([capture]).answers).toEqual(['CaptureFailed(NOT_AUTHORIZED)']);
    expect(after([capture, authorize]).answers).toEqual(['Declined(NOT_AUTHORIZED)']);
  });
});

describe('cancel', () => {
  test('before the authorization was seen it leaves a tombstone that refuses it', () => {
    expect(after([cancel])).toMatchObject({
      answers: ['Cancelled'],
      payment: { state: 'VOIDED', operation: undefined },
    });
    expect(after([cancel, authorize])).toMatchObject({
      answers: ['Declined(ALREADY_CANCELLED)'],
      payment: { state: 'VOIDED', operation: undefined, version: 2n },
    });
  });

  test.each([[[authorize]], [[authorize, unknown('authorize')]], [[authorize, approved('authorize')]]])(
    'before the capture it voids, and answers only when that is certain',
    (inputs) => {
      expect(after([...inputs, cancel])).toMatchObject({ answers: [], payment: { operation: 'void' } });
      expect(after([...inputs, cancel, unknown('void')]).answers).toEqual([]);
      expect(after([...inputs, cancel, approved('void')])).toMatchObject({
        answers: ['Cancelled'],
        payment: { state: 'VOIDED' },
      });
    },
  );

  test('where the provider cannot void the unseen, the authorization is settled first', () => {
    const waiting = after([authorize, unknown('authorize'), cancel], CANNOT_VOID_UNSEEN);
    expect(waiting.payment).toMatchObject({ state: 'UNKNOWN', operation: 'authorize', goal: 'cancel' });
    const settled = after([authorize, unknown('authorize'), cancel, approved('authorize')], CANNOT_VOID_UNSEEN);
    expect(settled).toMatchObject({ answers: [], payment: { operation: 'void' } });
    expect(after([authorize, cancel, declined('authorize')], CANNOT_VOID_UNSEEN).answers).toEqual(['Cancelled']);
  });

  test('after the capture it refunds', () => {
    const captured = [authorize, approved('authorize'), capture, approved('capture'), cancel];
    expect(after(captured)).toMatchObject({ answers: [], payment: { operation: 'refund' } });
    expect(after([...captured, approved('refund')])).toMatchObject({
      answers: ['Cancelled'],
      payment: { state: 'REFUNDED', capturedMinor: 4200n, refundedMinor: 4200n },
    });
  });

  test('during the capture it waits for the outcome, then refunds or voids', () => {
    const during = [authorize, approved('authorize'), capture, cancel];
    expect(after(during).payment?.operation).toBe('capture');
    expect(after([...during, approved('capture')]).payment?.operation).toBe('refund');
    expect(after([...during, declined('capture')]).payment?.operation).toBe('void');
  });

  test('a void that finds the money taken becomes a refund', () => {
    const found = after([authorize, approved('authorize'), cancel, declined('void', 'ALREADY_CAPTURED')]);
    expect(found.payment).toMatchObject({ state: 'CAPTURED', operation: 'refund', capturedMinor: 4200n });
  });

  test('repeated, it is answered again', () => {
    expect(after([authorize, declined('authorize'), cancel, cancel]).answers).toEqual(['Cancelled']);
    expect(after([authorize, cancel, approved('void'), cancel]).answers).toEqual(['Cancelled']);
  });

  test('once asked for, nothing new is authorized or captured', () => {
    const cancelled = [authorize, approved('authorize'), cancel];
    expect(after([...cancelled, capture]).answers).toEqual(['CaptureFailed(ALREADY_CANCELLED)']);
    expect(after([...cancelled, authorize]).answers).toEqual(['Declined(ALREADY_CANCELLED)']);
    const refunded = [authorize, approved('authorize'), capture, approved('capture'), cancel, approved('refund')];
    expect(after([...refunded, capture]).answers).toEqual(['CaptureFailed(ALREADY_CANCELLED)']);
  });

  test('an authorization approved after it was given up changes nothing', () => {
    expect(after([authorize, cancel, approved('authorize')]).events).toEqual([]);
    expect(after([authorize, cancel, approved('void'), approved('authorize')]).events).toEqual([]);
  });
});

describe('a customer who must act', () => {
  test('is told of once; the same call stays due, and no failure of it makes anything unknown', () => {
    const waiting = after([authorize, actionRequired()]);
    expect(waiting.answers).toEqual(['ActionRequired']);
    expect(waiting.payment).toMatchObject({ state: 'ACTION_REQUIRED', operation: 'authorize', action: ACTION });
    expect(mustRepeat(waiting.payment as Payment, actionRequired() as never)).toBe(true);
    for (const answer of [actionRequired(), unknown('authorize'), failed('authorize')]) {
      expect(after([authorize, actionRequired(), answer]).events).toEqual([]);
    }
    expect(after([authorize, actionRequired(), authorize]).answers).toEqual(['ActionRequired']);
  });

  test('who confirms leads to Authorized, who fails to Declined', () => {
    const confirmed = after([authorize, actionRequired(), approved('authorize')]);
    expect(confirmed).toMatchObject({ answers: ['Authorized'], payment: { action: undefined } });
    const failedTo = after([authorize, actionRequired(), declined('authorize', 'AUTHENTICATION_FAILED')]);
    expect(failedTo.answers).toEqual(['Declined(AUTHENTICATION_FAILED)']);
  });

  test('who takes too long is cancelled: void by the reference that is known, wherever it could not be unseen', () => {
    const cancelled = after([authorize, actionRequired(), cancel], CANNOT_VOID_UNSEEN);
    expect(cancelled).toMatchObject({ answers: [], payment: { operation: 'void' } });
    const voided = after([authorize, actionRequired(), cancel, approved('void')], CANNOT_VOID_UNSEEN);
    expect(voided).toMatchObject({ answers: ['Cancelled'], payment: { state: 'VOIDED', action: undefined } });
  });

  test('settles what was unknown, and is void at once where orders has cancelled meanwhile', () => {
    expect(after([authorize, unknown('authorize'), actionRequired()]).answers).toEqual(['ActionRequired']);
    const late = after([authorize, unknown('authorize'), cancel, actionRequired()], CANNOT_VOID_UNSEEN);
    expect(late).toMatchObject({ answers: [], payment: { operation: 'void' } });
  });
});

describe('a capture of less than was asked for', () => {
  const partial = [authorize, approved('authorize'), capture, approved('capture', 2100n)];

  test('is never answered with Captured: what was taken goes back first', () => {
    expect(after(partial)).toMatchObject({
      answers: [],
      payment: { state: 'CAPTURED', operation: 'refund', capturedMinor: 2100n },
    });
    expect(after([...partial, capture]).events).toEqual([]);
    const returned = after([...partial, approved('refund', 2100n)]);
    expect(returned.answers).toEqual(['CaptureFailed(PARTIAL_CAPTURE)']);
    expect(returned.payment).toMatchObject({ state: 'REFUNDED', capturedMinor: 2100n, refundedMinor: 2100n });
    expect(after([...partial, approved('refund', 2100n), capture]).answers).toEqual(['CaptureFailed(PARTIAL_CAPTURE)']);
  });

  test('that is cancelled meanwhile is answered with Cancelled, when all of it is back', () => {
    expect(after([...partial, cancel]).payment).toMatchObject({ operation: 'refund', goal: 'cancel' });
    expect(after([...partial, cancel, approved('refund', 2100n)]).answers).toEqual(['Cancelled']);
  });

  test('more than was asked for, or nothing, cannot be', () => {
    const authorized = [authorize, approved('authorize'), capture];
    expect(() => after([...authorized, approved('capture', 4201n)])).toThrow(/cannot happen/);
    expect(() => after([...authorized, approved('capture', 0n)])).toThrow(/cannot happen/);
  });
});

describe('undos', () => {
  test('are repeated whatever the provider says, until it approves', () => {
    const voiding = after([authorize, approved('authorize'), cancel]).payment as Payment;
    const refunding = after([authorize, approved('authorize'), capture, approved('capture'), cancel])
      .payment as Payment;
    for (const answer of [declined, unknown, failed]) {
      expect(mustRepeat(voiding, answer('void') as never)).toBe(true);
      expect(mustRepeat(refunding, answer('refund') as never)).toBe(true);
    }
    expect(mustRepeat(refunding, approved('refund') as never)).toBe(false);
  });

  test('a refund that other hands have made is as good as ours', () => {
    const refunding = [authorize, approved('authorize'), capture, approved('capture'), cancel];
    const answer = declined('refund', 'ALREADY_REFUNDED');
    expect(after([...refunding, answer])).toMatchObject({ answers: ['Cancelled'], payment: { state: 'REFUNDED' } });
    expect(mustRepeat(after(refunding).payment as Payment, answer as never)).toBe(false);
  });

  test('an answer about an operation that is over is not repeated', () => {
    const done = after([authorize, approved('authorize')]).payment as Payment;
    expect(mustRepeat(done, unknown('authorize') as never)).toBe(false);
  });
});

test('an event that cannot follow stops instead of going on', () => {
  const captured = after([authorize, approved('authorize'), capture, approved('capture')]).payment;
  expect(() => evolve(captured, { kind: 'captured', amountMinor: 4200n })).toThrow(/cannot happen/);
  expect(() => evolve(captured, { kind: 'voided' })).toThrow(/cannot happen/);
  expect(() => evolve(undefined, { kind: 'captured', amountMinor: 4200n })).toThrow(/first event/);
  expect(after([approved('capture')])).toMatchObject({ payment: undefined, events: [] });
});
