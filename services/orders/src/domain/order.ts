// The order aggregate. Pure: an event and the order before it give the order after it, or the reason why not.

export type OrderStatus = 'PENDING' | 'CONFIRMED' | 'REJECTED' | 'CANCELLED';

export interface Amount {
  readonly currency: string;
  readonly minor: bigint;
}

export interface OrderLine {
  readonly sku: string;
  readonly quantity: number;
  readonly productId: string;
  readonly productName: string;
  readonly variantName: string;
  readonly unitPrice: Amount;
  readonly lineTotal: Amount;
  readonly priceVersion: number;
}

export interface OrderTotals {
  readonly subtotal: Amount;
  readonly shipping: Amount;
  /** Contained in the total. */
  readonly tax: Amount;
  readonly total: Amount;
}

/** What the customer agreed to; never changes. */
export interface Purchase {
  readonly id: string;
  readonly number: string;
  /** Empty for a guest. */
  readonly customerId: string;
  readonly cartId: string;
  readonly cartVersion: bigint;
  readonly lines: readonly OrderLine[];
  readonly totals: OrderTotals;
  readonly shippingMethodId: string;
  readonly paymentMethodId: string;
}

export interface Order extends Purchase {
  readonly version: bigint;
  readonly status: OrderStatus;
  readonly placedAt: Date;
  readonly updatedAt: Date;
  /** Why it was rejected or cancelled; empty otherwise. */
  readonly reason: string;
  readonly trackingNumber: string;
  /** The customer must act at the payment provider before it goes on; gone when it is decided. */
  readonly paymentAction: PaymentAction | undefined;
}

export interface PaymentAction {
  readonly expiresAt: Date;
}

/** What can happen to an order after it was placed. */
export type OrderChange =
  /** The customer must act, until then (3-D Secure). */
  | { readonly kind: 'payment_action_required'; readonly expiresAt: Date }
  /** Stock is committed and the payment captured. */
  | { readonly kind: 'confirmed' }
  /** It could not be fulfilled or paid; nothing is held or charged. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** Called off, on request or because it could not be shipped; money was returned. */
  | { readonly kind: 'cancelled'; readonly reason: string }
  | { readonly kind: 'shipment_created'; readonly trackingNumber: string };

export type PurchaseProblem = 'NO_LINES' | 'MIXED_CURRENCIES' | 'TOTALS_DISAGREE';

/** Checks that the frozen prices add up, to the last minor unit. */
export function purchaseProblem({ lines, totals }: Purchase): PurchaseProblem | undefined {
  if (lines.length === 0) return 'NO_LINES';
  const { currency } = totals.total;
  const amounts = [...Object.values(totals), ...lines.flatMap((line) => [line.unitPrice, line.lineTotal])];
  if (amounts.some((amount) => amount.currency !== currency)) return 'MIXED_CURRENCIES';
  const linesAgree = lines.every((line) => line.lineTotal.minor === line.unitPrice.minor * BigInt(line.quantity));
  const subtotal = lines.reduce((sum, line) => sum + line.lineTotal.minor, 0n);
  const totalsAgree =
    subtotal === totals.subtotal.minor && totals.subtotal.minor + totals.shipping.minor === totals.total.minor;
  return linesAgree && totalsAgree ? undefined : 'TOTALS_DISAGREE';
}

/** The order as it is placed: version 1. */
export function place(purchase: Purchase, at: Date): Order {
  const nothingYet = { reason: '', trackingNumber: '', paymentAction: undefined };
  return { ...purchase, version: 1n, status: 'PENDING', placedAt: at, updatedAt: at, ...nothingYet };
}

/** Which changes each status allows. */
const ALLOWED: Readonly<Record<OrderStatus, readonly OrderChange['kind'][]>> = {
  PENDING: ['payment_action_required', 'confirmed', 'rejected', 'cancelled'],
  CONFIRMED: ['shipment_created', 'cancelled'],
  REJECTED: [],
  CANCELLED: [],
};

export function isAllowed(
  { status, trackingNumber }: Pick<Order, 'status' | 'trackingNumber'>,
  kind: OrderChange['kind'],
) {
  // A parcel that is on its way can no longer be called off here.
  if (kind !== 'confirmed' && kind !== 'rejected' && trackingNumber !== '') return false;
  return ALLOWED[status].includes(kind);
}

/** The order after the change; throws on a change that its status forbids, which would be a bug in the saga. */
export function evolve(order: Order, change: OrderChange, at: Date): Order {
  if (!isAllowed(order, change.kind)) {
    throw new Error(`order ${order.id} is ${order.status} and cannot be ${change.kind}`);
  }
  const next = { ...order, version: order.version + 1n, updatedAt: at, paymentAction: undefined };
  switch (change.kind) {
    case 'payment_action_required':
      return { ...next, paymentAction: { expiresAt: change.expiresAt } };
    case 'confirmed':
      return { ...next, status: 'CONFIRMED' };
    case 'rejected':
      return { ...next, status: 'REJECTED', reason: change.reason };
    case 'cancelled':
      return { ...next, status: 'CANCELLED', reason: change.reason };
    case 'shipment_created':
      return { ...next, trackingNumber: change.trackingNumber };
    default:
      return change satisfies never;
  }
}

/** Whether nothing will change the status any more, as far as a waiting customer is concerned. */
export function isDecided(status: OrderStatus): boolean {
  return status !== 'PENDING';
}

/** Whether a waiting customer has something to hear: the outcome, or that it is their turn. */
export function isWorthTelling({ status, paymentAction }: Pick<Order, 'status' | 'paymentAction'>): boolean {
  return isDecided(status) || paymentAction !== undefined;
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** What a person reads out on the telephone: 10 letters and digits without I, L, O and U, 50 random bits. */
export function orderNumber(random: Uint8Array): string {
  return Array.from(random.subarray(0, 10), (byte) => ALPHABET[byte % 32]).join('');
}
