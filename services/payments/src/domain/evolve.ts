// Evolving: the payment after an event. The assertions hold in production too: to stop is better than to go on with
// money that does not add up.
import { type Payment, type PaymentEvent, Reason } from './payment.ts';

/** A payment and an event that cannot both be true. About one payment only: others may go on. */
export class ImpossibleEventError extends Error {
  override readonly name = 'ImpossibleEventError';
}

/** The payment after `event`; throws when the event cannot follow. */
export function evolve(payment: Payment | undefined, event: PaymentEvent): Payment {
  if (event.kind === 'opened' || event.kind === 'closed_unopened') {
    assert(payment === undefined, event, payment);
    return event.kind === 'opened' ? opened(event) : closedUnopened(event);
  }
  if (payment === undefined) throw new ImpossibleEventError(`${event.kind} cannot be the first event of a payment`);
  switch (event.kind) {
    case 'goal_raised':
      assert(payment.goal !== 'cancel', event, payment);
      return { ...payment, goal: event.goal, reason: event.reason };
    case 'operation_begun': {
      // Only an open authorization may be given up for another operation, and only for its void.
      const { operation } = payment;
      assert(operation === undefined || (operation === 'authorize' && event.operation === 'void'), event, payment);
      return { ...payment, operation: event.operation };
    }
    case 'authorized':
      assert(payment.operation === 'authorize', event, payment);
      return { ...payment, state: 'AUTHORIZED', operation: undefined, reference: event.reference, action: undefined };
    case 'action_required':
      assert(payment.operation === 'authorize' && payment.capturedMinor === 0n, event, payment);
      return { ...payment, state: 'ACTION_REQUIRED', reference: event.reference, action: event.action };
    case 'declined':
      assert(payment.operation === 'authorize' && payment.capturedMinor === 0n, event, payment);
      return { ...payment, state: 'DECLINED', operation: undefined, reason: event.code, action: undefined };
    case 'captured':
      assert(payment.operation === 'capture' || payment.operation === 'void', event, payment);
      assert(payment.state !== 'CAPTURED' && payment.capturedMinor === 0n, event, payment);
      return captured(payment, event);
    case 'capture_refused':
      assert(payment.operation === 'capture' && payment.capturedMinor === 0n, event, payment);
      return { ...payment, state: 'AUTHORIZED', operation: undefined, reason: event.code };
    case 'voided':
      assert(payment.operation === 'void' && payment.capturedMinor === 0n, event, payment);
      return { ...payment, state: 'VOIDED', operation: undefined, action: undefined };
    case 'refunded':
      assert(payment.operation === 'refund' && payment.refundedMinor === 0n, event, payment);
      return { ...payment, state: 'REFUNDED', operation: undefined, refundedMinor: payment.capturedMinor };
    case 'became_unknown':
      assert(payment.operation === 'authorize' || payment.operation === 'capture', event, payment);
      // A customer who must act is nothing that nobody knows: that state stays until the provider decides.
      assert(payment.state !== 'ACTION_REQUIRED', event, payment);
      return { ...payment, state: 'UNKNOWN' };
    case 'answered':
      return { ...payment, version: payment.version + 1n };
    default:
      return event satisfies never;
  }
}

function opened(event: Extract<PaymentEvent, { kind: 'opened' }>): Payment {
  const { kind: _, ...given } = event;
  return { ...given, ...NOTHING_YET, state: 'PENDING', goal: 'authorize', reason: '' };
}

function captured(payment: Payment, event: Extract<PaymentEvent, { kind: 'captured' }>): Payment {
  const { amountMinor } = event;
  // Zero only of a payment of zero: anything else that takes nothing is no capture.
  assert(amountMinor <= payment.amountMinor && (amountMinor > 0n || payment.amountMinor === 0n), event, payment);
  const reason =
    amountMinor < payment.amountMinor && payment.goal !== 'cancel' ? Reason.partialCapture : payment.reason;
  return { ...payment, state: 'CAPTURED', operation: undefined, capturedMinor: amountMinor, reason, action: undefined };
}

/** A tombstone: DECLINED when it was refused, VOIDED when it was cancelled before it began. */
function closedUnopened(event: Extract<PaymentEvent, { kind: 'closed_unopened' }>): Payment {
  const { orderId, paymentId, goal, reason } = event;
  const state = goal === 'cancel' ? 'VOIDED' : 'DECLINED';
  const given = { orderId, paymentId, amountMinor: 0n, currency: '', methodId: '', token: '' };
  return { ...given, ...NOTHING_YET, state, goal, reason };
}

const NOTHING_YET = {
  operation: undefined,
  capturedMinor: 0n,
  refundedMinor: 0n,
  reference: '',
  action: undefined,
  version: 0n,
} as const;

function assert(holds: boolean, event: PaymentEvent, payment: Payment | undefined): void {
  if (holds) return;
  const at = payment && `${payment.state} (goal ${payment.goal}, operation ${payment.operation ?? 'none'})`;
  throw new ImpossibleEventError(`${event.kind} cannot happen to payment ${payment?.paymentId} in state ${at}`);
}
