// What is believed of a provider's answer.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OPERATIONS } from '../../src/domain/payment.ts';
import { readAnswer } from '../../src/infrastructure/read-answer.ts';

const asked = { amountMinor: 4200n, currency: 'EUR' };
const approval = { kind: 'approved', reference: 'ref', amountMinor: 4200n, currency: 'EUR' };

test('an approval of what was asked for is believed', () => {
  for (const operation of OPERATIONS) {
    const outcome = readAnswer(operation, asked, approval);
    expect(outcome).toEqual({ kind: 'approved', reference: 'ref', amountMinor: 4200n });
  }
});

test.each([
  ['another amount', { ...approval, amountMinor: 4201n }, 'WRONG_AMOUNT'],
  ['less than was asked for', { ...approval, amountMinor: 4199n }, 'WRONG_AMOUNT'],
  ['another currency', { ...approval, currency: 'USD' }, 'WRONG_CURRENCY'],
  ['no currency', { ...approval, currency: undefined }, 'UNREADABLE_ANSWER'],
  ['an amount that is a float', { ...approval, amountMinor: 4200 }, 'UNREADABLE_ANSWER'],
  ['no reference', { ...approval, reference: null }, 'UNREADABLE_ANSWER'],
  ['a page of HTML', '<html>', 'UNREADABLE_ANSWER'],
  ['nothing', undefined, 'UNREADABLE_ANSWER'],
  ['a refusal without a code', { kind: 'declined' }, 'UNREADABLE_ANSWER'],
  ['a refusal with a code that is none', { kind: 'declined', code: 'please <b>retry</b>' }, 'UNREADABLE_ANSWER'],
])('an authorization with %s leaves the outcome unknown', (_what, answer, code) => {
  expect(readAnswer('authorize', asked, answer)).toEqual({ kind: 'unknown', code });
});

test('less than was asked for is believed of a capture, and only there; nothing and more are not', () => {
  const half = { ...approval, amountMinor: 2100n };
  expect(readAnswer('capture', asked, half)).toMatchObject({ kind: 'approved', amountMinor: 2100n });
  expect(readAnswer('refund', asked, half)).toEqual({ kind: 'unknown', code: 'WRONG_AMOUNT' });
  for (const amountMinor of [0n, -1n, 4201n]) {
    const outcome = readAnswer('capture', asked, { ...approval, amountMinor });
    expect(outcome).toEqual({ kind: 'unknown', code: 'WRONG_AMOUNT' });
  }
});

test('a customer is sent to web addresses only', () => {
  const action = (redirectUrl: string) => ({ kind: 'action_required', reference: 'r', redirectUrl, clientSecret: '' });
  const read = (redirectUrl: string) => readAnswer('authorize', asked, action(redirectUrl)).kind;
  expect(read('https://bank.example/3ds')).toBe('action_required');
  expect(['javascript:alert(1)', 'file:///etc/passwd', 'x', ''].map(read)).toEqual(Array(4).fill('unknown'));
});

test('no answer whatsoever makes it throw, and an approval is believed only when it names the right currency', () => {
  const kind = fc.constantFrom('approved', 'declined', 'action_required', 'unknown', 'error', 'odd');
  const thing = fc.oneof(fc.anything(), fc.record({ kind, reference: fc.anything(), amountMinor: fc.anything() }));
  fc.assert(
    fc.property(fc.constantFrom('authorize', 'capture', 'refund'), thing, (operation, answer) => {
      expect(readAnswer(operation, asked, answer).kind).not.toBe('approved');
    }),
  );
});
