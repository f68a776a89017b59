// What the sandbox does with a request: a pure function of what its books say. Every definite answer is kept under its
// key and given again; errors and silences are not, exactly as an outside party would have it.
import { ALREADY_CAPTURED, ALREADY_REFUNDED } from '../../domain/payment.ts';
import type { Said } from '../provider.ts';
import { CAPTURED_BY_HALF, isToken, RATE_LIMIT_REFUSALS, REFUND_FAILS, REFUND_FAILURES } from './tokens.ts';

export type ChargeState =
  | 'PROCESSING'
  | 'REQUIRES_ACTION'
  | 'AUTHORIZED'
  | 'DECLINED'
  | 'CAPTURED'
  | 'VOIDED'
  | 'REFUNDED';

export interface Charge {
  readonly paymentId: string;
  readonly orderRef: string;
  readonly authorizeKey: string;
  readonly token: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly state: ChargeState;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
}

export interface SandboxRequest {
  readonly kind: 'authorize' | 'capture' | 'void' | 'refund';
  readonly paymentId: string;
  readonly key: string;
  readonly orderRef: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  /** Of an authorization; empty otherwise. */
  readonly token: string;
}

/** What the books say when a request comes in. */
export interface Known {
  readonly charge: Charge | undefined;
  /** The answer given under this key before. */
  readonly answered: Entry | undefined;
  /** Errors that this key has met before. */
  readonly faults: number;
}

/** A line of the sandbox's ledger. */
export interface Entry {
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly ok: boolean;
  readonly code: string;
}

export interface Reply {
  /** `never`: the caller waits in vain. Other text is an answer that nobody can read. */
  readonly answer: Said | 'never' | '<html>Bad Gateway</html>';
  /** The charge as it is now, when it is new or has changed. */
  readonly charge?: Charge;
  readonly entry?: Entry;
  /** Counts one more fault against the key. */
  readonly faulted?: boolean;
}

const SERVER_ERROR: Reply = { answer: { kind: 'error', code: 'PROVIDER_ERROR' }, faulted: true };
const RATE_LIMITED: Reply = { answer: { kind: 'error', code: 'RATE_LIMITED' }, faulted: true };

export const referenceOf = (paymentId: string) => `sandbox_${paymentId}`;
export const clientSecretOf = (paymentId: string) => `${referenceOf(paymentId)}_secret`;

/** `pageUrl`: where its customers confirm a payment, up to the payment's id; empty when they have no page. */
export function respond(known: Known, request: SandboxRequest, pageUrl = ''): Reply {
  if (known.answered !== undefined) return { answer: definite(request, known.answered) };
  switch (request.kind) {
    case 'authorize':
      return authorize(known, request, pageUrl);
    case 'capture':
      return capture(known.charge, request);
    case 'void':
      return voidCharge(known.charge, request);
    case 'refund':
      return refund(known, request);
    default:
      return request.kind satisfies never;
  }
}

function definite({ paymentId }: SandboxRequest, { ok, code, amountMinor, currency }: Entry): Said {
  return ok
    ? { kind: 'approved', reference: referenceOf(paymentId), amountMinor, currency }
    : { kind: 'declined', code };
}

function done(request: SandboxRequest, charge: Charge, amountMinor: bigint): Reply {
  const entry = { amountMinor, currency: charge.currency, ok: true, code: '' };
  return { answer: definite(request, entry), charge, entry };
}

function refused(request: SandboxRequest, code: string, charge?: Charge): Reply {
  const entry = { amountMinor: request.amountMinor, currency: request.currency, ok: false, code };
  return { answer: definite(request, entry), entry, ...(charge === undefined ? {} : { charge }) };
}

function opened(request: SandboxRequest, state: ChargeState): Charge {
  const { paymentId, orderRef, token, amountMinor, currency } = request;
  const authorizeKey = request.kind === 'authorize' ? request.key : '';
  return {
    paymentId,
    orderRef,
    authorizeKey,
    token,
    amountMinor,
    currency,
    state,
    capturedMinor: 0n,
    refundedMinor: 0n,
  };
}

type Approved = Extract<Said, { kind: 'approved' }>;

function actionRequired({ paymentId }: SandboxRequest, pageUrl: string): Said {
  const clientSecret = clientSecretOf(paymentId);
  const redirectUrl = pageUrl === '' ? '' : `${pageUrl}${paymentId}`;
  return { kind: 'action_required', reference: referenceOf(paymentId), redirectUrl, clientSecret };
}

function authorize({ charge, faults }: Known, request: SandboxRequest, pageUrl: string): Reply {
  if (charge !== undefined) {
    // Known without an answer to this key: voided before it was seen, or not yet through.
    if (charge.state === 'REQUIRES_ACTION') return { answer: actionRequired(request, pageUrl) };
    if (charge.state === 'PROCESSING') return { answer: { kind: 'unknown', code: 'IN_PROGRESS' } };
    return refused(request, charge.state === 'VOIDED' ? 'VOIDED' : 'DUPLICATE');
  }
  return authorizeNew(request, faults, pageUrl);
}

function authorizeNew(request: SandboxRequest, faults: number, pageUrl: string): Reply {
  const { token } = request;
  const decline = (code: string) => refused(request, code, opened(request, 'DECLINED'));
  if (!isToken(token)) return decline('INVALID_TOKEN');
  const approved = done(request, opened(request, 'AUTHORIZED'), request.amountMinor);
  switch (token) {
    case 'tok_approve':
    case 'tok_fail_capture':
    case 'tok_capture_then_hang':
    case 'tok_partial_capture':
    case 'tok_refund_fails':
    case 'tok_partial_refund_fails':
      return approved;
    case 'tok_error_once':
      return faults === 0 ? SERVER_ERROR : approved;
    case 'tok_charge_then_hang':
      return { ...approved, answer: 'never' };
    case 'tok_rate_limited':
      return faults < RATE_LIMIT_REFUSALS ? RATE_LIMITED : approved;
    case 'tok_garbage':
      return { ...approved, answer: '<html>Bad Gateway</html>' };
    case 'tok_wrong_amount':
      return { ...approved, answer: { ...(approved.answer as Approved), amountMinor: request.amountMinor + 1n } };
    case 'tok_wrong_currency':
      return { ...approved, answer: { ...(approved.answer as Approved), currency: 'XTS' } };
    case 'tok_3ds':
    case 'tok_3ds_confirmed':
    case 'tok_3ds_failed':
      return { answer: actionRequired(request, pageUrl), charge: opened(request, 'REQUIRES_ACTION') };
    case 'tok_late_charge':
    case 'tok_charge_after_void':
    case 'tok_webhook_duplicated':
    case 'tok_webhook_reordered':
    case 'tok_webhook_forged':
    case 'tok_webhook_lost':
      return { answer: 'never', charge: opened(request, 'PROCESSING') };
    case 'tok_hang':
      return { answer: 'never' };
    case 'tok_decline':
      return decline('CARD_DECLINED');
    case 'tok_insufficient_funds':
      return decline('INSUFFICIENT_FUNDS');
    case 'tok_require_action':
      return decline('AUTHENTICATION_REQUIRED');
    default:
      return token satisfies never;
  }
}

function capture(charge: Charge | undefined, request: SandboxRequest): Reply {
  if (charge?.state !== 'AUTHORIZED') return refused(request, 'NOT_AUTHORIZED');
  if (charge.token === 'tok_fail_capture') return refused(request, 'CAPTURE_REFUSED');
  const { amountMinor: asked, currency } = request;
  if (currency !== charge.currency || asked > charge.amountMinor) return refused(request, 'AMOUNT_TOO_LARGE');
  const amountMinor = CAPTURED_BY_HALF.has(charge.token) ? (asked + 1n) / 2n : asked;
  const captured = done(request, { ...charge, state: 'CAPTURED', capturedMinor: amountMinor }, amountMinor);
  return charge.token === 'tok_capture_then_hang' ? { ...captured, answer: 'never' } : captured;
}

/** By reference: what was never seen is remembered as void, and an authorization that comes later is refused. */
function voidCharge(charge: Charge | undefined, request: SandboxRequest): Reply {
  if (charge === undefined) return done(request, { ...opened(request, 'VOIDED'), token: '' }, 0n);
  switch (charge.state) {
    case 'PROCESSING':
    case 'REQUIRES_ACTION':
      return done(request, { ...charge, state: 'VOIDED' }, 0n);
    case 'AUTHORIZED':
      return done(request, { ...charge, state: 'VOIDED' }, charge.amountMinor);
    case 'DECLINED':
    case 'VOIDED':
      return done(request, charge, 0n);
    case 'CAPTURED':
    case 'REFUNDED':
      return refused(request, ALREADY_CAPTURED);
    default:
      return charge.state satisfies never;
  }
}

function refund({ charge, faults }: Known, request: SandboxRequest): Reply {
  if (charge?.state === 'REFUNDED') return refused(request, ALREADY_REFUNDED);
  if (charge?.state !== 'CAPTURED') return refused(request, 'NOT_CAPTURED');
  if (REFUND_FAILS.has(charge.token) && faults < REFUND_FAILURES) return SERVER_ERROR;
  const { amountMinor, currency } = request;
  if (currency !== charge.currency || amountMinor > charge.capturedMinor) return refused(request, 'AMOUNT_TOO_LARGE');
  return done(request, { ...charge, state: 'REFUNDED', refundedMinor: amountMinor }, amountMinor);
}
