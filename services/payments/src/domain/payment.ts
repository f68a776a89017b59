// A payment: what orders wants of it (goal), what the provider has definitely said (state), and the one call that is
// under way (operation). At most one operation is ever under way; what the provider is asked follows from goal and
// state alone, so a crash at any point leads to the same call under the same key.

export const PAYMENT_STATES = [
  'PENDING',
  'ACTION_REQUIRED',
  'AUTHORIZED',
  'DECLINED',
  'CAPTURED',
  'VOIDED',
  'REFUNDED',
  'UNKNOWN',
] as const;
export type PaymentState = (typeof PAYMENT_STATES)[number];

export const OPERATIONS = ['authorize', 'capture', 'void', 'refund'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** What orders wants, in rising order: it never goes back, and `cancel` is final. */
export type Goal = 'authorize' | 'capture' | 'cancel';

/** What the customer must do before the provider decides (3-D Secure); one of the two may be empty. */
export interface CustomerAction {
  readonly redirectUrl: string;
  readonly clientSecret: string;
}

export interface Payment {
  readonly orderId: string;
  /** Made once, when the intent is written; the provider's idempotency keys derive from it for ever. */
  readonly paymentId: string;
  readonly state: PaymentState;
  readonly goal: Goal;
  /** The call that is under way or due; undefined when the provider owes no answer. */
  readonly operation: Operation | undefined;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly methodId: string;
  /** What the provider's own client made of the card; never card data. */
  readonly token: string;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  /** Code of the last refusal, or the reason of a cancellation; empty when there was none. */
  readonly reason: string;
  /** The provider's own name for the authorization; empty until it gave one. */
  readonly reference: string;
  /** In ACTION_REQUIRED only. */
  readonly action: CustomerAction | undefined;
  /** Number of events published about it. */
  readonly version: bigint;
}

export interface AuthorizeCommand {
  readonly kind: 'authorize';
  /** Used when this command is the first that is heard of the order; ignored otherwise. */
  readonly paymentId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly methodId: string;
  readonly token: string;
}

export interface CaptureCommand {
  readonly kind: 'capture';
  readonly paymentId: string;
}

export interface CancelCommand {
  readonly kind: 'cancel';
  readonly paymentId: string;
  readonly reason: string;
}

export type Command = AuthorizeCommand | CaptureCommand | CancelCommand;

/** What the provider said. `approved` and `declined` are definite and final for the key they answer. */
export type Outcome =
  | { readonly kind: 'approved'; readonly reference: string; readonly amountMinor: bigint }
  | {
      readonly kind: 'declined';
      readonly code: string;
      /** With ALREADY_CAPTURED: how much, where the provider says it. */
      readonly capturedMinor?: bigint;
    }
  /** The customer must act first. Definite, but not final: the same key is asked again until it is settled. */
  | { readonly kind: 'action_required'; readonly reference: string; readonly action: CustomerAction }
  /** Nobody knows whether it was done: a timeout, a lost connection, an unreadable answer, "not found". */
  | { readonly kind: 'unknown'; readonly code: string }
  /** The provider says that it could not do it now (429, 5xx). */
  | { readonly kind: 'error'; readonly code: string };

export interface ProviderAnswer {
  readonly kind: 'provider_answered';
  readonly operation: Operation;
  readonly outcome: Outcome;
}

export type Input = Command | ProviderAnswer;

/** Answers to orders; the events of the contract bear the same names with "Payment" in front. */
export type Answer =
  | 'ActionRequired'
  | 'Authorized'
  | 'Declined'
  | 'Captured'
  | 'CaptureFailed'
  | 'Cancelled'
  | 'BecameUnknown';

export type PaymentEvent =
  | ({ readonly kind: 'opened'; readonly orderId: string } & Omit<AuthorizeCommand, 'kind'>)
  /** Nothing was asked of the provider and nothing ever will be. */
  | {
      readonly kind: 'closed_unopened';
      readonly orderId: string;
      readonly paymentId: string;
      readonly goal: Goal;
      readonly reason: string;
    }
  | { readonly kind: 'goal_raised'; readonly goal: Goal; readonly reason: string }
  | { readonly kind: 'operation_begun'; readonly operation: Operation }
  | { readonly kind: 'authorized'; readonly reference: string }
  | { readonly kind: 'action_required'; readonly reference: string; readonly action: CustomerAction }
  | { readonly kind: 'declined'; readonly code: string }
  /** Maybe less than was asked for: then everything goes back. */
  | { readonly kind: 'captured'; readonly amountMinor: bigint }
  | { readonly kind: 'capture_refused'; readonly code: string }
  | { readonly kind: 'voided' }
  | { readonly kind: 'refunded' }
  | { readonly kind: 'became_unknown' }
  /** Something is told to orders. */
  | { readonly kind: 'answered'; readonly answer: Answer; readonly reason: string };

/** Codes that this service gives itself; all others are the provider's. API: listed in the README. */
export const Reason = {
  alreadyCancelled: 'ALREADY_CANCELLED',
  notAuthorized: 'NOT_AUTHORIZED',
  invalidAmount: 'INVALID_AMOUNT',
  partialCapture: 'PARTIAL_CAPTURE',
} as const;

/** The code with which a provider refuses to void what it has captured already. */
export const ALREADY_CAPTURED = 'ALREADY_CAPTURED';
/** The code with which a provider refuses to refund what it has given back in full, for example by hand. */
export const ALREADY_REFUNDED = 'ALREADY_REFUNDED';

/** Whether the provider took less than was asked for. Such a payment is only ever given back. */
export function isPartial({ state, capturedMinor, amountMinor }: Payment): boolean {
  return (state === 'CAPTURED' || state === 'REFUNDED') && capturedMinor < amountMinor;
}

/** The provider's idempotency key of an operation: fixed for ever, the same for every repetition. */
export function providerKey(paymentId: string, operation: Operation): string {
  return `${paymentId}:${operation}`;
}
