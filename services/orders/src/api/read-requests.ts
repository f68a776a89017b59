// Requests as the handlers use them: checked, or refused with every violation.
import { createHash } from 'node:crypto';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { invalidArgument } from '@stoa/chassis/rpc/errors';
import { validate } from '@stoa/chassis/rpc/validate';
import { isCurrency } from '@stoa/proto/money';
import type { PageRequest } from '@stoa/proto/stoa/common/v1/paging_pb';
import type { GetOrderRequest, PlaceOrderRequest } from '@stoa/proto/stoa/orders/v1/orders_pb';
import type { OrderCursor } from '../infrastructure/orders.ts';

export const WAIT_MS_MAX = 5000;
const PAGE_DEFAULT = 20;
const PAGE_MAX = 100;
const CURSOR = /^(\S+Z) ([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;
const PRINTABLE = /^[\x21-\x7e]+$/;

/** Throws when the request cannot be read. */
export function checkPlaceOrder(request: PlaceOrderRequest): void {
  const { cartId, idempotencyKey, paymentMethodId, paymentToken, expectedTotal, waitMs } = request;
  validate((checks) => {
    checks.uuid('cart_id', cartId);
    checks.text('idempotency_key', idempotencyKey, 8, 200);
    checks.require(PRINTABLE.test(idempotencyKey), 'idempotency_key', 'must be printable characters without spaces');
    checks.text('payment_method_id', paymentMethodId, 1, 100);
    checks.text('payment_token', paymentToken, 1, 500);
    checks.integer('wait_ms', waitMs, 0, WAIT_MS_MAX);
    if (expectedTotal === undefined) return;
    checks.require(isCurrency(expectedTotal.currency), 'expected_total.currency', 'must be an ISO 4217 code');
    checks.require(expectedTotal.minor >= 0n, 'expected_total.minor', 'must not be negative');
  });
}

/** Equal for requests that mean the same purchase. `wait_ms` is about the answer, not about the purchase. */
export function requestHash(request: PlaceOrderRequest): Buffer {
  const { cartId, paymentMethodId, paymentToken, expectedTotal } = request;
  const total = expectedTotal === undefined ? null : [expectedTotal.currency, String(expectedTotal.minor)];
  const text = JSON.stringify([cartId.toLowerCase(), paymentMethodId, paymentToken, total]);
  return createHash('sha256').update(text).digest();
}

/** As PostgreSQL writes it: a client may have written it in capitals. */
export function readOrderId({ orderId }: { readonly orderId: string }): string {
  validate((checks) => checks.uuid('order_id', orderId));
  return orderId.toLowerCase();
}

/** What a protobuf Timestamp may be; PostgreSQL would refuse what JavaScript takes for a date beyond it. */
const isTime = (date: Date) => date >= new Date('0001-01-01T00:00:00Z') && date < new Date('+010000-01-01T00:00:00Z');

/** The moment that is asked for; undefined means now. */
export function readAsOf({ asOf }: GetOrderRequest): Date | undefined {
  if (asOf === undefined) return undefined;
  const date = timestampDate(asOf);
  validate((checks) => checks.require(isTime(date), 'as_of', 'must be a time from year 1 to year 9999'));
  return date;
}

export function writeCursor({ placedAt, id }: OrderCursor): string {
  return Buffer.from(`${placedAt.toISOString()} ${id}`).toString('base64url');
}

function readCursor(text: string): OrderCursor {
  const match = CURSOR.exec(Buffer.from(text, 'base64url').toString());
  const placedAt = new Date(match?.[1] ?? '');
  if (match === null || !isTime(placedAt)) {
    throw invalidArgument([{ field: 'page.after', description: 'is not a cursor of this list' }]);
  }
  return { placedAt, id: match[2] as string };
}

export function readPage(page: PageRequest | undefined): { first: number; after: OrderCursor | undefined } {
  const first = page?.first || PAGE_DEFAULT;
  validate((checks) => checks.integer('page.first', first, 1, PAGE_MAX));
  return { first, after: page?.after ? readCursor(page.after) : undefined };
}
