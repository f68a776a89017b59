// The sandbox as an outside party: one definite answer for each key, money that adds up.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAnswer } from '../../src/infrastructure/read-answer.ts';
import {
  type Charge,
  type Entry,
  type Known,
  type Reply,
  respond,
  type SandboxRequest,
} from '../../src/infrastructure/sandbox/rules.ts';
import { REFUND_FAILURES, TOKENS } from '../../src/infrastructure/sandbox/tokens.ts';
import { ORDER, PAYMENT } from './fixtures.ts';

const request = (kind: SandboxRequest['kind'], token = ''): SandboxRequest => ({
  kind,
  paymentId: PAYMENT,
  key: `${PAYMENT}:${kind}`,
  orderRef: ORDER,
  amountMinor: 4200n,
  currency: 'EUR',
  token,
});

/** The sandbox's books in memory. */
function sandbox(token: string) {
  let charge: Charge | undefined;
  const ledger = new Map<string, Entry>();
  const faults = new Map<string, number>();
  return {
    ledger,
    charge: () => charge,
    appear() {
      if (charge?.state === 'PROCESSING' || charge?.state === 'REQUIRES_ACTION')
        charge = { ...charge, state: 'AUTHORIZED' };
    },
    ask(kind: SandboxRequest['kind']): Reply['answer'] {
      const asked = request(kind, kind === 'authorize' ? token : '');
      const known: Known = { charge, answered: ledger.get(asked.key), faults: faults.get(asked.key) ?? 0 };
      const reply = respond(known, asked);
      charge = reply.charge ?? charge;
      if (reply.entry !== undefined) ledger.set(asked.key, reply.entry);
      if (reply.faulted) faults.set(asked.key, known.faults + 1);
      return reply.answer;
    },
  };
}

const reference = `sandbox_${PAYMENT}`;
const approved = { kind: 'approved', reference, amountMinor: 4200n, currency: 'EUR' };
const voidedUnseen = { ...approved, amountMinor: 0n };

describe('tokens', () => {
  test.each([
    ['tok_decline', 'CARD_DECLINED'],
    ['tok_insufficient_funds', 'INSUFFICIENT_FUNDS'],
    ['tok_require_action', 'AUTHENTICATION_REQUIRED'],
    ['tok_of_nobody', 'INVALID_TOKEN'],
    ['toString', 'INVALID_TOKEN'],
    ['', 'INVALID_TOKEN'],
  ])('%s is declined with %s, again and again', (token, code) => {
    const box = sandbox(token);
    expect(box.ask('authorize')).toEqual({ kind: 'declined', code });
    expect(box.ask('authorize')).toEqual({ kind: 'declined', code });
    expect(box.charge()?.state).toBe('DECLINED');
  });

  test('tok_hang never answers and leaves no trace', () => {
    const box = sandbox('tok_hang');
    expect([box.ask('authorize'), box.ask('authorize')]).toEqual(['never', 'never']);
    expect(box.charge()).toBeUndefined();
  });

  test('tok_charge_then_hang charges at once and answers the second call', () => {
    const box = sandbox('tok_charge_then_hang');
    expect(box.ask('authorize')).toBe('never');
    expect(box.charge()?.state).toBe('AUTHORIZED');
    expect(box.ask('authorize')).toEqual(approved);
  });

  test('tok_late_charge is in progress until it appears', () => {
    const box = sandbox('tok_late_charge');
    expect(box.ask('authorize')).toBe('never');
    expect(box.ask('authorize')).toEqual({ kind: 'unknown', code: 'IN_PROGRESS' });
    expect(box.ledger.size).toBe(0);
  });

  test('tok_late_charge that was voided never appears', () => {
    const box = sandbox('tok_late_charge');
    box.ask('authorize');
    expect(box.ask('void')).toEqual(voidedUnseen);
    box.appear();
    expect(box.charge()?.state).toBe('VOIDED');
    expect(box.ask('authorize')).toEqual({ kind: 'declined', code: 'VOIDED' });
  });

  test.each([
    ['tok_garbage', '<html>Bad Gateway</html>'],
    ['tok_wrong_amount', { ...approved, amountMinor: 4201n }],
    ['tok_wrong_currency', { ...approved, currency: 'XTS' }],
  ])('%s authorizes, answers wrongly once and rightly from then on', (token, wrong) => {
    const box = sandbox(token);
    expect(box.ask('authorize')).toEqual(wrong);
    expect(box.charge()?.state).toBe('AUTHORIZED');
    expect(box.ask('authorize')).toEqual(approved);
  });

  test('tok_rate_limited refuses twice and does nothing meanwhile', () => {
    const box = sandbox('tok_rate_limited');
    const refusal = { kind: 'error', code: 'RATE_LIMITED' };
    expect([box.ask('authorize'), box.ask('authorize')]).toEqual([refusal, refusal]);
    expect(box.charge()).toBeUndefined();
    expect(box.ask('authorize')).toEqual(approved);
  });

  test('tok_3ds waits for the customer, says so again when asked again, and can be voided', () => {
    const box = sandbox('tok_3ds');
    const waiting = { kind: 'action_required', reference, redirectUrl: '', clientSecret: `${reference}_secret` };
    expect([box.ask('authorize'), box.ask('authorize')]).toEqual([waiting, waiting]);
    expect(box.ask('void')).toEqual(voidedUnseen);
    expect(box.ask('authorize')).toEqual({ kind: 'declined', code: 'VOIDED' });
  });

  test.each([
    ['tok_partial_capture', 0],
    ['tok_partial_refund_fails', REFUND_FAILURES],
  ])('%s takes half, and gives that half back after %i failures', (token, failures) => {
    const box = sandbox(token);
    box.ask('authorize');
    expect(box.ask('capture')).toEqual({ ...approved, amountMinor: 2100n });
    const fails = Array.from({ length: failures }, () => box.ask('refund'));
    expect(fails).toEqual(fails.map(() => ({ kind: 'error', code: 'PROVIDER_ERROR' })));
    const known = { charge: box.charge(), answered: undefined, faults: failures };
    const whole = respond(known, request('refund'));
    expect(whole.answer).toEqual({ kind: 'declined', code: 'AMOUNT_TOO_LARGE' });
    const half = respond(known, { ...request('refund'), amountMinor: 2100n });
    expect(half.charge).toMatchObject({ state: 'REFUNDED', refundedMinor: 2100n });
  });

  test('tok_capture_then_hang takes the money and answers the second call', () => {
    const box = sandbox('tok_capture_then_hang');
    box.ask('authorize');
    expect(box.ask('capture')).toBe('never');
    expect(box.ask('capture')).toEqual(approved);
  });

  test('tok_error_once fails once', () => {
    const box = sandbox('tok_error_once');
    expect(box.ask('authorize')).toEqual({ kind: 'error', code: 'PROVIDER_ERROR' });
    expect(box.ask('authorize')).toEqual(approved);
  });

  test('tok_fail_capture refuses the capture for good and can be voided', () => {
    const box = sandbox('tok_fail_capture');
    box.ask('authorize');
    expect(box.ask('capture')).toEqual({ kind: 'declined', code: 'CAPTURE_REFUSED' });
    expect(box.ask('void')).toEqual(approved);
  });

  test('tok_refund_fails refunds at the eleventh call', () => {
    const box = sandbox('tok_refund_fails');
    box.ask('authorize');
    box.ask('capture');
    const answers = Array.from({ length: REFUND_FAILURES }, () => box.ask('refund'));
    expect(answers).toEqual(answers.map(() => ({ kind: 'error', code: 'PROVIDER_ERROR' })));
    expect(box.ask('refund')).toEqual(approved);
  });
});

test('what was voided before it was seen is refused when it comes', () => {
  const box = sandbox('tok_approve');
  expect(box.ask('void')).toEqual(voidedUnseen);
  expect(box.ask('authorize')).toEqual({ kind: 'declined', code: 'VOIDED' });
});

test('money that was taken cannot be voided, only refunded', () => {
  const box = sandbox('tok_approve');
  box.ask('authorize');
  box.ask('capture');
  expect(box.ask('void')).toEqual({ kind: 'declined', code: 'ALREADY_CAPTURED' });
  expect(box.ask('refund')).toEqual(approved);
});

test('a capture beyond the authorization is refused', () => {
  const box = sandbox('tok_approve');
  box.ask('authorize');
  const known = { charge: box.charge(), answered: undefined, faults: 0 };
  const more = respond(known, { ...request('capture'), amountMinor: 4201n });
  expect(more.answer).toEqual({ kind: 'declined', code: 'AMOUNT_TOO_LARGE' });
});

test('for every token and order of requests: a definite answer never changes, and the books add up', () => {
  const kinds = fc.array(
    fc.constantFrom('authorize' as const, 'capture' as const, 'void' as const, 'refund' as const, 'appear' as const),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(TOKENS), 'tok_unheard_of'), kinds, (token, list) => {
      const box = sandbox(token);
      const definite = new Map<string, unknown>();
      for (const kind of list) {
        if (kind === 'appear') {
          box.appear();
          continue;
        }
        const answer = readAnswer(kind, request(kind), box.ask(kind));
        if (definite.has(kind)) expect(answer).toEqual(definite.get(kind));
        if (answer.kind === 'approved' || answer.kind === 'declined') definite.set(kind, answer);
      }
      const charge = box.charge();
      if (charge === undefined) return;
      expect(charge.capturedMinor <= charge.amountMinor && charge.refundedMinor <= charge.capturedMinor).toBe(true);
      if (charge.state === 'VOIDED') expect(charge.capturedMinor).toBe(0n);
    }),
    { numRuns: 1000 },
  );
});
