// Deciding: what follows from a command or from the provider's answer. Pure and exhaustive; nothing is written here.
//
// Rules that hold for every sequence of inputs:
// - one operation at a time, and it is only replaced by another after a definite answer; the single exception is an
//   authorization that is given up by a void under the same reference, after which the provider refuses it for good;
// - UNKNOWN is left only by a definite answer to the same key, or by a void by reference;
// - Captured is answered only when the whole amount was taken; what was taken of less goes back;
// - Cancelled is answered only when nothing is authorized and nothing charged remains;
// - once the goal is `cancel`, nothing new is authorized or captured.
import { evolve } from './evolve.ts';
import {
  ALREADY_CAPTURED,
  ALREADY_REFUNDED,
  type Answer,
  type CancelCommand,
  type Command,
  type Input,
  isPartial,
  type Operation,
  type Outcome,
  type Payment,
  type PaymentEvent,
  type ProviderAnswer,
  Reason,
} from './payment.ts';

export interface ProviderPolicy {
  /**
   * The provider voids by our payment id even what it has not seen, and refuses a later authorization under that id.
   * Where it cannot, an open authorization is settled by repeating it under its key, and voided afterwards; unless the
   * provider has given it a reference of its own already.
   */
  readonly voidsByReference: boolean;
}

/** The events that follow from `input`; none when it changes nothing and its answer is still to come. */
export function decide(
  orderId: string,
  payment: Payment | undefined,
  input: Input,
  policy: ProviderPolicy,
): PaymentEvent[] {
  if (input.kind === 'provider_answered') return payment === undefined ? [] : settle(payment, input);
  return payment === undefined ? open(orderId, input) : command(payment, input, policy);
}

/** Applies `decide` and returns the payment after its events; undefined only when there is still none. */
export function advance(payment: Payment | undefined, events: readonly PaymentEvent[]): Payment | undefined {
  return events.reduce<Payment | undefined>(evolve, payment);
}

/** An answer whose outcome does not settle the operation: the same call is due again later. */
export function mustRepeat(payment: Payment, { operation, outcome }: ProviderAnswer): boolean {
  if (payment.operation !== operation) return false;
  switch (outcome.kind) {
    case 'approved':
      return false;
    case 'declined':
      return isUndo(operation) && !endsUndo(operation, outcome.code);
    case 'action_required':
    case 'unknown':
    case 'error':
      return true;
    default:
      return outcome satisfies never;
  }
}

/** Undos are never given up: a refusal of one only means that it is tried again. */
function isUndo(operation: Operation): boolean {
  return operation === 'void' || operation === 'refund';
}

/** Refusals that say that there is nothing left to undo in this way. */
function endsUndo(operation: Operation, code: string): boolean {
  return operation === 'void' ? code === ALREADY_CAPTURED : code === ALREADY_REFUNDED;
}

function answer(name: Answer, reason = ''): PaymentEvent {
  return { kind: 'answered', answer: name, reason };
}

function begin(operation: Operation): PaymentEvent {
  return { kind: 'operation_begun', operation };
}

/** The first that is heard of an order. A cancellation or capture that came first leaves a tombstone. */
function open(orderId: string, input: Command): PaymentEvent[] {
  const { paymentId } = input;
  const close = (goal: Payment['goal'], reason: string): PaymentEvent => ({
    kind: 'closed_unopened',
    orderId,
    paymentId,
    goal,
    reason,
  });
  switch (input.kind) {
    case 'authorize': {
      if (input.amountMinor < 0n || !/^[A-Z]{3}$/.test(input.currency)) {
        return [close('authorize', Reason.invalidAmount), answer('Declined', Reason.invalidAmount)];
      }
      return [{ ...input, kind: 'opened', orderId }, begin('authorize')];
    }
    case 'capture':
      return [close('capture', Reason.notAuthorized), answer('CaptureFailed', Reason.notAuthorized)];
    case 'cancel':
      return [close('cancel', input.reason), answer('Cancelled')];
    default:
      return input satisfies never;
  }
}

function command(payment: Payment, input: Command, policy: ProviderPolicy): PaymentEvent[] {
  switch (input.kind) {
    case 'authorize':
      return authorizeAgain(payment);
    case 'capture':
      return capture(payment);
    case 'cancel':
      return cancel(payment, input, policy);
    default:
      return input satisfies never;
  }
}

/** A repeated AuthorizePayment gets the same answer, unless a cancellation has made it untrue since. */
function authorizeAgain(payment: Payment): PaymentEvent[] {
  if (payment.state === 'DECLINED') return [answer('Declined', payment.reason)];
  if (payment.goal === 'cancel') return [answer('Declined', Reason.alreadyCancelled)];
  if (isPartial(payment)) return [answer('Declined', Reason.partialCapture)];
  switch (payment.state) {
    case 'PENDING':
      return [];
    case 'ACTION_REQUIRED':
      return [answer('ActionRequired')];
    case 'UNKNOWN':
      // Unknown because of the capture: that the authorization was given is certain.
      return payment.operation === 'capture' ? [answer('Authorized')] : [];
    case 'AUTHORIZED':
    case 'CAPTURED':
      return [answer('Authorized')];
    case 'VOIDED':
    case 'REFUNDED':
      return [answer('Declined', Reason.alreadyCancelled)];
    default:
      return payment.state satisfies never;
  }
}

function capture(payment: Payment): PaymentEvent[] {
  if (payment.state === 'DECLINED') return [answer('CaptureFailed', Reason.notAuthorized)];
  // Also when it was captured and is being refunded: "captured" would let the order ship without money.
  if (payment.goal === 'cancel') return [answer('CaptureFailed', Reason.alreadyCancelled)];
  // While what was taken of it is on its way back, the answer is still to come.
  if (isPartial(payment)) return payment.operation === 'refund' ? [] : [answer('CaptureFailed', Reason.partialCapture)];
  const raise: PaymentEvent = { kind: 'goal_raised', goal: 'capture', reason: '' };
  switch (payment.state) {
    case 'PENDING':
    case 'ACTION_REQUIRED':
    case 'UNKNOWN':
      return payment.goal === 'capture' ? [] : [raise];
    case 'AUTHORIZED':
      if (payment.goal === 'authorize') return [raise, begin('capture')];
      return payment.operation === 'capture' ? [] : [answer('CaptureFailed', payment.reason)];
    case 'CAPTURED':
      return [answer('Captured')];
    case 'VOIDED':
    case 'REFUNDED':
      return [answer('CaptureFailed', Reason.alreadyCancelled)];
    default:
      return payment.state satisfies never;
  }
}

function cancel(payment: Payment, { reason }: CancelCommand, policy: ProviderPolicy): PaymentEvent[] {
  const raise: PaymentEvent = { kind: 'goal_raised', goal: 'cancel', reason };
  switch (payment.state) {
    case 'DECLINED':
    case 'VOIDED':
    case 'REFUNDED':
      return [answer('Cancelled')];
    case 'PENDING':
    case 'ACTION_REQUIRED':
    case 'UNKNOWN':
    case 'AUTHORIZED':
      if (payment.goal === 'cancel') return [];
      // A capture that is under way is settled first: voiding beside it could leave the money taken.
      if (payment.operation === 'capture') return [raise];
      if (payment.operation === 'authorize' && !canVoid(payment, policy)) return [raise];
      return [raise, begin('void')];
    case 'CAPTURED':
      if (payment.goal === 'cancel') return [];
      return payment.operation === 'refund' ? [raise] : [raise, begin('refund')];
    default:
      return payment.state satisfies never;
  }
}

function canVoid({ reference }: Payment, { voidsByReference }: ProviderPolicy): boolean {
  return voidsByReference || reference !== '';
}

/** The provider's answer. One about an operation that is no longer under way is stale and changes nothing. */
function settle(payment: Payment, input: ProviderAnswer): PaymentEvent[] {
  if (payment.operation !== input.operation) return [];
  switch (input.operation) {
    case 'authorize':
      return settleAuthorize(payment, input.outcome);
    case 'capture':
      return settleCapture(payment, input.outcome);
    case 'void':
      return settleVoid(payment, input.outcome);
    case 'refund':
      return settleRefund(payment, input.outcome);
    default:
      return input.operation satisfies never;
  }
}

function settleAuthorize(payment: Payment, outcome: Outcome): PaymentEvent[] {
  switch (outcome.kind) {
    case 'approved': {
      const authorized: PaymentEvent = { kind: 'authorized', reference: outcome.reference };
      if (payment.goal === 'cancel') return [authorized, begin('void')];
      return [authorized, answer('Authorized'), ...(payment.goal === 'capture' ? [begin('capture')] : [])];
    }
    case 'declined': {
      const declined: PaymentEvent = { kind: 'declined', code: outcome.code };
      if (payment.goal === 'cancel') return [declined, answer('Cancelled')];
      const captureFailed = payment.goal === 'capture' ? [answer('CaptureFailed', Reason.notAuthorized)] : [];
      return [declined, answer('Declined', outcome.code), ...captureFailed];
    }
    case 'action_required': {
      if (payment.state === 'ACTION_REQUIRED') return [];
      const { reference, action } = outcome;
      const waiting: PaymentEvent = { kind: 'action_required', reference, action };
      return [waiting, payment.goal === 'cancel' ? begin('void') : answer('ActionRequired')];
    }
    case 'unknown':
      return becomeUnknown(payment);
    case 'error':
      return [];
    default:
      return outcome satisfies never;
  }
}

function settleCapture(payment: Payment, outcome: Outcome): PaymentEvent[] {
  switch (outcome.kind) {
    case 'approved': {
      const { amountMinor } = outcome;
      const goesBack = payment.goal === 'cancel' || amountMinor < payment.amountMinor;
      return [{ kind: 'captured', amountMinor }, goesBack ? begin('refund') : answer('Captured')];
    }
    case 'declined': {
      const refused: PaymentEvent = { kind: 'capture_refused', code: outcome.code };
      return [refused, payment.goal === 'cancel' ? begin('void') : answer('CaptureFailed', outcome.code)];
    }
    case 'unknown':
      return becomeUnknown(payment);
    // No answer to a capture: nothing that a customer could still do.
    case 'action_required':
    case 'error':
      return [];
    default:
      return outcome satisfies never;
  }
}

function settleVoid(payment: Payment, outcome: Outcome): PaymentEvent[] {
  if (outcome.kind === 'approved') return [{ kind: 'voided' }, answer('Cancelled')];
  // Captured by somebody else's hand, for example in the provider's console: then the money goes back.
  if (outcome.kind === 'declined' && outcome.code === ALREADY_CAPTURED) {
    return [{ kind: 'captured', amountMinor: outcome.capturedMinor ?? payment.amountMinor }, begin('refund')];
  }
  return [];
}

function settleRefund(payment: Payment, outcome: Outcome): PaymentEvent[] {
  const done = outcome.kind === 'approved' || (outcome.kind === 'declined' && endsUndo('refund', outcome.code));
  if (!done) return [];
  // Nobody cancelled: it was taken in part, and the capture is what waits for an answer.
  const told = payment.goal === 'cancel' ? answer('Cancelled') : answer('CaptureFailed', Reason.partialCapture);
  return [{ kind: 'refunded' }, told];
}

function becomeUnknown(payment: Payment): PaymentEvent[] {
  const { state } = payment;
  return state === 'UNKNOWN' || state === 'ACTION_REQUIRED'
    ? []
    : [{ kind: 'became_unknown' }, answer('BecameUnknown')];
}
