// The payment provider as a port. An adapter turns whatever the provider does into a claim (`Said`) and never retries by
// itself: repeating, always under the same key, is the business of provider-calls.ts. Claims are not believed as they
// come: read-answer.ts checks them against what was asked.
import type { ProviderRecord } from '../domain/reconcile.ts';

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
  /** Whether a call under this key may have gone out before. */
  readonly isRepetition: boolean;
  /** Since the operation began: providers forget keys, and then a repetition must look before it acts. */
  readonly ageSeconds: number;
}

export interface AuthorizeRequest extends ProviderRequest {
  readonly methodId: string;
  readonly token: string;
}

/** What an adapter makes of an answer. `reference`, amounts and currency are the provider's, as it said them. */
export type Said =
  /** Amount: what is authorized, captured or refunded now. Of a void it is not looked at. */
  | {
      readonly kind: 'approved';
      readonly reference: string;
      readonly amountMinor: bigint;
      readonly currency: string;
    }
  | {
      readonly kind: 'action_required';
      readonly reference: string;
      readonly redirectUrl: string;
      readonly clientSecret: string;
    }
  | { readonly kind: 'declined'; readonly code: string; readonly capturedMinor?: bigint }
  | { readonly kind: 'unknown'; readonly code: string }
  | { readonly kind: 'error'; readonly code: string };

export interface RecordPage {
  readonly records: readonly ProviderRecord[];
  /** Where the next page begins; undefined after the last. */
  readonly cursor: string | undefined;
}

export interface WebhookRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The bytes as they came: a body that was parsed and written again has another signature. */
  readonly rawBody: Uint8Array;
}

/** A webhook whose signature is right. Its content is a hint where to look and nothing more. */
export interface SignedEvent {
  readonly eventId: string;
  readonly type: string;
  /** Signed with the body, in seconds since 1970; whether it is recent is for the database's clock to say. */
  readonly timestampSeconds: number;
  /** Our payment id as the provider repeats it, or undefined: not every event is about a payment. */
  readonly paymentId: string | undefined;
}

export interface PaymentProvider {
  /** One lower-case word, part of the ledger account's name and of the webhooks' path. */
  readonly name: string;
  /**
   * `void` works by payment id even where nothing was seen of it, and the provider then refuses a later authorization
   * under that id.
   */
  readonly voidsByReference: boolean;
  methods(): readonly ProviderMethod[];
  /**
   * `Said`, as far as the adapter knows. The signal aborts when nobody waits for the answer any more; what has been
   * sent may still happen.
   */
  authorize(request: AuthorizeRequest, signal: AbortSignal): Promise<unknown>;
  /** Takes the whole authorized amount. */
  capture(request: ProviderRequest, signal: AbortSignal): Promise<unknown>;
  /** Declines with ALREADY_CAPTURED when the money was taken. */
  void(request: ProviderRequest, signal: AbortSignal): Promise<unknown>;
  /** Returns `amountMinor`, all that was captured; declines with ALREADY_REFUNDED when it was returned by other hands. */
  refund(request: ProviderRequest, signal: AbortSignal): Promise<unknown>;
  /** All that the provider shows of a payment. Nothing proves nothing: the charge may appear a moment later. */
  lookup(payment: Pick<ProviderRequest, 'paymentId' | 'reference'>): Promise<readonly ProviderRecord[]>;
  /** What has been new since then, a page at a time, in any order; a record may come twice. */
  list(since: Date, cursor: string | undefined): Promise<RecordPage>;
  /** The event that a request brings; undefined when its signature is not the provider's. */
  readWebhook(request: WebhookRequest): SignedEvent | undefined;
  /** What only a person can mend, for example a key that is refused; undefined when all is well. */
  problem(): string | undefined;
}
