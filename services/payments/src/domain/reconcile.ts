// Reconciling: where what a payment is here and what the provider shows of it cannot both be true. Pure; who calls it
// makes sure that nothing about the payment is under way, so that a difference is a difference and no delay.
import type { Payment } from './payment.ts';

/** What the provider shows of one charge, intent or order of its own. */
export interface ProviderRecord {
  readonly paymentId: string;
  /** As it was told at the authorization. */
  readonly orderId: string;
  /** The provider's own name for it. */
  readonly reference: string;
  readonly state: 'PROCESSING' | 'ACTION_REQUIRED' | 'AUTHORIZED' | 'DECLINED' | 'CAPTURED' | 'VOIDED' | 'REFUNDED';
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  /** The key under which it was captured; empty when the provider does not show it. */
  readonly captureKey: string;
  readonly changedAt: Date;
}

/** API: in rows of reconciliation_finding and as a metric's label; listed in the README. */
export type FindingKind =
  | 'LATE_AUTHORIZATION'
  | 'LATE_CHARGE'
  | 'DUPLICATE_CHARGE'
  | 'MISSING_AT_PROVIDER'
  | 'UNKNOWN_PAYMENT'
  | 'STATE_MISMATCH'
  | 'AMOUNT_MISMATCH';

/** Kinds that the reconciler settles by itself; of all others only a person can say who is right. */
export const REMEDIED: readonly FindingKind[] = ['LATE_AUTHORIZATION', 'LATE_CHARGE', 'DUPLICATE_CHARGE'];

export interface Finding {
  readonly kind: FindingKind;
  readonly paymentId: string;
  readonly reference: string;
  readonly detail: string;
  /** How it is settled without a person; undefined when only a person can say who is right. */
  readonly remedy?: { readonly operation: 'void' | 'refund'; readonly record: ProviderRecord };
}

/** Differences between a payment at rest and all that the provider has under its id; none when they agree. */
export function compare(payment: Payment, records: readonly ProviderRecord[]): Finding[] {
  const isDead = payment.state === 'DECLINED' || payment.state === 'VOIDED' || payment.state === 'REFUNDED';
  const own = ownRecord(payment, records);
  const foreign = records.filter((record) => record !== own);
  // Money under a dead payment, whichever record it is in, and under a second record of any payment, goes back.
  const held = [...(isDead && own !== undefined ? [own] : []), ...foreign].flatMap((record) =>
    heldMoney(record, isDead),
  );
  if (held.length > 0) return held;
  if (own === undefined) return missing(payment);
  if (isDead && payment.capturedMinor === 0n && own.capturedMinor === own.refundedMinor) return [];
  return differences(payment, own);
}

/** A record of a payment that nobody here has heard of. Left alone: it may be another system's. */
export function unknownPayment(record: ProviderRecord): Finding | undefined {
  if (heldMoney(record, true).length === 0) return undefined;
  const { paymentId, reference } = record;
  return { kind: 'UNKNOWN_PAYMENT', paymentId, reference, detail: `the provider shows ${told(record)}` };
}

function ownRecord({ reference }: Payment, records: readonly ProviderRecord[]): ProviderRecord | undefined {
  return records.find((record) => record.reference === reference) ?? (reference === '' ? records[0] : undefined);
}

function heldMoney(record: ProviderRecord, isDead: boolean): Finding[] {
  const { paymentId, reference, state } = record;
  const detail = `the provider shows ${told(record)}`;
  const finding = (kind: FindingKind, operation: 'void' | 'refund'): Finding => ({
    kind: isDead ? kind : 'DUPLICATE_CHARGE',
    paymentId,
    reference,
    detail,
    remedy: { operation, record },
  });
  if (record.capturedMinor > record.refundedMinor) return [finding('LATE_CHARGE', 'refund')];
  if (state === 'AUTHORIZED' || state === 'ACTION_REQUIRED') return [finding('LATE_AUTHORIZATION', 'void')];
  return [];
}

function missing({ paymentId, reference, state, capturedMinor }: Payment): Finding[] {
  if (state !== 'AUTHORIZED' && capturedMinor === 0n) return [];
  return [{ kind: 'MISSING_AT_PROVIDER', paymentId, reference, detail: `${state} here, not found at the provider` }];
}

function differences(payment: Payment, record: ProviderRecord): Finding[] {
  const { paymentId, reference } = record;
  const found = (kind: FindingKind): Finding[] => [
    { kind, paymentId, reference, detail: `${toldOfOurs(payment)} here, ${told(record)} at the provider` },
  ];
  const amounts = (['capturedMinor', 'refundedMinor', 'currency'] as const).every(
    (field) => payment[field] === record[field],
  );
  if (payment.state !== record.state) return found('STATE_MISMATCH');
  return amounts && payment.amountMinor === record.amountMinor ? [] : found('AMOUNT_MISMATCH');
}

function told({ state, amountMinor, capturedMinor, refundedMinor, currency }: ProviderRecord): string {
  return `${state} ${amountMinor} ${currency}, captured ${capturedMinor}, refunded ${refundedMinor}`;
}

function toldOfOurs({ state, amountMinor, capturedMinor, refundedMinor, currency }: Payment): string {
  return `${state} ${amountMinor} ${currency}, captured ${capturedMinor}, refunded ${refundedMinor}`;
}
