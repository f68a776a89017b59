// Payments in every situation, reached by inputs as they would come, never put together by hand.
import { advance, decide, type ProviderPolicy } from '../../src/domain/decide.ts';
import type { Command, Input, Operation, Outcome, Payment, PaymentEvent } from '../../src/domain/payment.ts';

export const ORDER = '01890000-0000-7000-8000-000000000001';
export const PAYMENT = '01890000-0000-7000-8000-0000000000a1';
export const VOIDS: ProviderPolicy = { voidsByReference: true };
export const CANNOT_VOID_UNSEEN: ProviderPolicy = { voidsByReference: false };

export const ACTION = { redirectUrl: 'https://bank.example/3ds', clientSecret: 'ref_secret' };

export const authorize: Command = {
  kind: 'authorize',
  paymentId: PAYMENT,
  amountMinor: 4200n,
  currency: 'EUR',
  methodId: 'card',
  token: 'tok_approve',
};
export const capture: Command = { kind: 'capture', paymentId: PAYMENT };
export const cancel: Command = { kind: 'cancel', paymentId: PAYMENT, reason: 'CUSTOMER_REQUEST' };

const answered = (operation: Operation, outcome: Outcome): Input => ({ kind: 'provider_answered', operation, outcome });
export const approved = (operation: Operation, amountMinor = 4200n) =>
  answered(operation, { kind: 'approved', reference: 'ref', amountMinor });
export const actionRequired = (): Input =>
  answered('authorize', { kind: 'action_required', reference: 'ref', action: ACTION });
export const declined = (operation: Operation, code = 'CARD_DECLINED') =>
  answered(operation, { kind: 'declined', code });
export const unknown = (operation: Operation) => answered(operation, { kind: 'unknown', code: 'DEADLINE_EXCEEDED' });
export const failed = (operation: Operation) => answered(operation, { kind: 'error', code: 'PROVIDER_ERROR' });

export interface After {
  readonly payment: Payment | undefined;
  /** Of the last input. */
  readonly events: readonly PaymentEvent[];
  /** Names of what was answered to the last input. */
  readonly answers: readonly string[];
}

/** Feeds the inputs one after another. */
export function after(inputs: readonly Input[], policy: ProviderPolicy = VOIDS): After {
  let payment: Payment | undefined;
  let events: readonly PaymentEvent[] = [];
  for (const input of inputs) {
    events = decide(ORDER, payment, input, policy);
    payment = advance(payment, events);
  }
  return { payment, events, answers: answersOf(events) };
}

export function answersOf(events: readonly PaymentEvent[]): string[] {
  return events.flatMap((event) =>
    event.kind !== 'answered' ? [] : event.reason === '' ? [event.answer] : [`${event.answer}(${event.reason})`],
  );
}
