// What follows an attempt to deliver, and what an SMTP error means.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isMailAddress } from '../../src/domain/address.ts';
import { GIVE_UP_AFTER_SECONDS, nextStep } from '../../src/domain/delivery.ts';
import { messageId } from '../../src/infrastructure/smtp.ts';
import { outcomeOfError } from '../../src/infrastructure/smtp-outcome.ts';

const RETRY = { kind: 'retry', reason: 'SMTP_451' } as const;

test('what was delivered is sent, what can never be delivered has failed with its reason', () => {
  expect(nextStep({ kind: 'sent' }, 1, 0, 0)).toEqual({ state: 'SENT', reason: '', delaySeconds: 0 });
  expect(nextStep({ kind: 'failed', reason: 'SMTP_550' }, 1, 0, 0)).toMatchObject({
    state: 'FAILED',
    reason: 'SMTP_550',
  });
});

test('a released mail is due at once', () => {
  expect(nextStep({ kind: 'release' }, 3, 60, 0.5)).toEqual({ state: 'QUEUED', reason: '', delaySeconds: 0 });
});

test('retries come from 2.5 seconds to 15 minutes apart, growing, and end after three days', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 0, max: 999 }), (attempts, millis) => {
      const { state, delaySeconds } = nextStep(RETRY, attempts, 0, millis / 1000);
      expect(state).toBe('QUEUED');
      expect(delaySeconds).toBeGreaterThanOrEqual(2.5);
      expect(delaySeconds).toBeLessThanOrEqual(900);
      expect(nextStep(RETRY, attempts + 1, 0, millis / 1000).delaySeconds).toBeGreaterThanOrEqual(delaySeconds);
    }),
  );
  expect(nextStep(RETRY, 400, GIVE_UP_AFTER_SECONDS, 0)).toMatchObject({ state: 'FAILED', reason: 'GAVE_UP:SMTP_451' });
});

test.each([
  [{ code: 'EENVELOPE', responseCode: 550, command: 'RCPT TO' }, 'failed', 'SMTP_550', false],
  [{ code: 'EENVELOPE', responseCode: 451, command: 'RCPT TO' }, 'retry', 'SMTP_451', false],
  [{ code: 'EMESSAGE', responseCode: 554, command: 'DATA' }, 'failed', 'SMTP_554', false],
  [{ code: 'EENVELOPE', responseCode: 421, command: 'RCPT TO' }, 'retry', 'SMTP_421', true],
  [{ code: 'EENVELOPE', command: 'API' }, 'failed', 'ADDRESS_UNUSABLE', false],
  [{ code: 'EAUTH', responseCode: 535, command: 'AUTH PLAIN' }, 'retry', 'SMTP_535', true],
  [{ code: 'EENVELOPE', responseCode: 553, command: 'MAIL FROM' }, 'retry', 'SMTP_553', true],
  [{ code: 'ETIMEDOUT', command: 'CONN' }, 'retry', 'SMTP_ETIMEDOUT', true],
  [{ code: 'EABORT' }, 'retry', 'SMTP_EABORT', false],
  [new Error('ada@example.com is odd'), 'retry', 'SMTP_UNKNOWN', true],
  [undefined, 'retry', 'SMTP_UNKNOWN', true],
] as const)('only what is about the recipient or the message is permanent: %o', (error, kind, reason, unreachable) => {
  expect(outcomeOfError(error)).toEqual({ outcome: { kind, reason }, unreachable });
});

test('only one plain address is an address', () => {
  expect(isMailAddress('ada+shop@example.com')).toBe(true);
  expect(isMailAddress('jürgen@bücher.example')).toBe(true);
  for (const text of [
    '',
    'ada',
    'a@b, c@d',
    'Ada <a@b>',
    'a@b\r\nRCPT TO:<c@d>',
    '@b',
    'a@',
    'a@b@c',
    `${'a'.repeat(65)}@b`,
  ]) {
    expect(isMailAddress(text)).toBe(false);
  }
});

test('a mail has the same Message-ID however often it is sent', () => {
  const mail = { orderId: '01890000-0000-7000-8000-000000000001', template: 'order-shipped' };
  expect(messageId(mail, 'orders@shop.example')).toBe(
    '<order-shipped.01890000-0000-7000-8000-000000000001@shop.example>',
  );
});
