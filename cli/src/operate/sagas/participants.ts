// What the participants of the checkout hold for one order: stock, money, parcel.
import { sql } from '@stoa/chassis/postgres/sql';
import type { ShopData } from '../shop-data.ts';

export interface Reservation {
  readonly state: string;
  readonly reason: string;
  readonly expiresAt: Date | null;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

export interface PaymentCall {
  readonly operation: string;
  readonly state: string;
  readonly attempts: number;
  readonly nextAttemptAt: Date;
  readonly lastError: string;
}

export interface Payment {
  readonly paymentId: string;
  readonly state: string;
  readonly goal: string;
  /** The call that is under way or due at the provider. */
  readonly operation: string | null;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly reason: string;
  readonly updatedAt: Date;
  readonly calls: readonly PaymentCall[];
}

export interface Shipment {
  readonly state: string;
  readonly methodId: string;
  readonly trackingNumber: string | null;
  readonly reason: string;
}

export interface Participants {
  readonly reservation: Reservation | undefined;
  readonly payment: Payment | undefined;
  readonly shipment: Shipment | undefined;
}

export async function participantsOf(data: ShopData, orderId: string): Promise<Participants> {
  const [reservation, payment, shipment] = await Promise.all([
    readReservation(data, orderId),
    readPayment(data, orderId),
    findShipment(data, orderId),
  ]);
  return { reservation, payment, shipment };
}

async function readReservation(data: ShopData, orderId: string): Promise<Reservation | undefined> {
  return data.at('inventory').maybe(sql<Reservation>`
    select state, reason, expires_at as "expiresAt",
      (select coalesce(jsonb_agg(jsonb_build_object('sku', sku, 'quantity', quantity) order by sku), '[]')
        from reservation_line l where l.order_id = r.order_id) as lines
    from reservation r where order_id = ${orderId}`);
}

async function readPayment(data: ShopData, orderId: string): Promise<Payment | undefined> {
  const db = data.at('payments');
  const payment = await db.maybe(sql<Omit<Payment, 'calls'>>`
    select payment_id as "paymentId", state, goal, operation, currency, amount_minor as "amountMinor",
      captured_minor as "capturedMinor", refunded_minor as "refundedMinor", reason, updated_at as "updatedAt"
    from payment where order_id = ${orderId}`);
  if (payment === undefined) return undefined;
  const calls = await db.rows(sql<PaymentCall>`
    select operation, state, attempts, next_attempt_at as "nextAttemptAt", last_error as "lastError"
    from payment_attempt where payment_id = ${payment.paymentId} order by created_at`);
  return { ...payment, calls };
}

export async function findShipment(data: ShopData, orderId: string): Promise<Shipment | undefined> {
  return data.at('shipping').maybe(sql<Shipment>`
    select state, method_id as "methodId", tracking_number as "trackingNumber", reason
    from shipment where order_id = ${orderId}`);
}
