// What inventory tells: the answers to commands, and the new levels of stock. Domain to wire, nothing else.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Cause } from '@stoa/chassis/events/envelope';
import type { Tx } from '@stoa/chassis/postgres/database';
import type { StockLineSchema } from '@stoa/proto/stoa/inventory/v1/commands_pb';
import {
  type ReservationSchema,
  StockReservationRefusedSchema,
  StockReservedSchema,
  ReservationState as WireState,
} from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import { StockLevelChangedSchema } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import type { InventoryContext } from '../context.ts';
import { answerReserve, type Reservation } from '../domain/reservation.ts';
import { availableOf, type Line, type StockLevel } from '../domain/stock.ts';

export function writeReservation(reservation: Reservation): MessageInitShape<typeof ReservationSchema> {
  const { orderId, state, lines, expiresAt } = reservation;
  return {
    orderId,
    state: WireState[state],
    lines: lines.map(writeLine),
    ...(expiresAt === undefined ? {} : { expiresAt: timestampFromDate(expiresAt) }),
  };
}

function writeLine({ sku, quantity }: Line): MessageInitShape<typeof StockLineSchema> {
  return { sku, quantity: Number(quantity) };
}

/** Fields of StockLevel and of StockLevelChanged alike. */
export function writeLevel(level: StockLevel) {
  return { ...level, available: availableOf(level) };
}

/** Answers a ReserveStock from the reservation as it stands. */
export function answerReserveFrom(context: InventoryContext, tx: Tx, reservation: Reservation, cause: Cause): void {
  const answer = answerReserve(reservation);
  const { orderId } = reservation;
  if (answer.kind === 'reserved') {
    context.publish(tx, StockReservedSchema, { orderId, reservation: writeReservation(reservation) }, cause);
  } else {
    const { reason, skus } = answer;
    context.publish(tx, StockReservationRefusedSchema, { orderId, reason, skus: [...skus] }, cause);
  }
}

/** A change of stock and what it follows from. */
export interface Booking {
  readonly lines: readonly Line[];
  readonly cause: Cause;
}

/**
 * Tells the new level of every changed SKU, once. A level may follow from many bookings; the last that touched the SKU
 * is named as its cause.
 */
export function tellLevels(
  context: InventoryContext,
  tx: Tx,
  levels: readonly StockLevel[],
  bookings: readonly Booking[] = [],
): void {
  const causes = new Map(bookings.flatMap(({ lines, cause }) => lines.map(({ sku }) => [sku, cause])));
  for (const level of levels) {
    context.publish(tx, StockLevelChangedSchema, writeLevel(level), causes.get(level.sku) ?? tx.cause);
  }
}
