// The payment provider as a port. An adapter turns whatever the provider does into one of four outcomes and never
// retries by itself: repeating, always under the same key, is the business of provider-calls.ts.
import type { Outcome } from '../domain/payment.ts';

export interface ProviderMethod {
  readonly id: string;
  readonly name: string;
  /** Tokens to try; empty at a real provider. */
  readonly sampleTokens: readonly string[];
}

export interface ProviderRequest {
  /** Our name for the payment, which the provider can be asked for. */
  readonly paymentId: string;
  /** Idempotency key of this operation: every repetition bears the same. */
  readonly key: string;
  readonly orderId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  /** The provider's own name for the authorization; empty while it is not known. */
  readonly reference: string;
}

export interface AuthorizeRequest extends ProviderRequest {
  readonly methodId: string;
  readonly token: string;
}

/** What the provider shows of a payment. `not_found` proves nothing: the charge may appear a moment later. */
export type Lookup =
  | { readonly kind: 'found'; readonly state: 'AUTHORIZED' | 'DECLINED' | 'CAPTURED' | 'VOIDED' | 'REFUNDED' }
  | { readonly kind: 'not_found' };

export interface PaymentProvider {
  /** One lower-case word, part of the ledger account's name. */
  readonly name: string;
  /**
   * `void` works by payment id even where nothing was seen of it, and the provider then refuses a later authorization
   * under that id.
   */
  readonly voidsByReference: boolean;
  methods(): readonly ProviderMethod[];
  /** The signal aborts when nobody waits for the answer any more; what has been sent may still happen. */
  authorize(request: AuthorizeRequest, signal: AbortSignal): Promise<Outcome>;
  /** Takes the whole authorized amount. */
  capture(request: ProviderRequest, signal: AbortSignal): Promise<Outcome>;
  /** Declines with ALREADY_CAPTURED when the money was taken. */
  void(request: ProviderRequest, signal: AbortSignal): Promise<Outcome>;
  /** Returns the whole captured amount. */
  refund(request: ProviderRequest, signal: AbortSignal): Promise<Outcome>;
  lookup(paymentId: string, signal: AbortSignal): Promise<Lookup>;
}
