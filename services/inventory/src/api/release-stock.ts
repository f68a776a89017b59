// ReleaseStock: whatever is held or committed for an order goes back. It is the saga's compensation, so it never fails
// and never refuses: with nothing to give back it answers just the same, and for an order that was never seen it leaves
// a tombstone. Six statements at most, whatever the batch's size.
import type { Received } from '@stoa/chassis/events/envelope';
import type { Tx } from '@stoa/chassis/postgres/database';
import type { ReleaseStockSchema } from '@stoa/proto/stoa/inventory/v1/commands_pb';
import { StockReleasedSchema } from '@stoa/proto/stoa/inventory/v1/reservation_events_pb';
import type { InventoryContext } from '../context.ts';
import { decideRelease, type Reservation } from '../domain/reservation.ts';
import { sumLines } from '../domain/stock.ts';
import { insertTombstones, lockReservations, markReleased } from '../infrastructure/reservations.ts';
import { giveBack, lockLevels } from '../infrastructure/stock.ts';
import { closeGate } from '../infrastructure/stock-gate.ts';
import { type Booking, tellLevels, writeReservation } from './answers.ts';

export async function releaseStock(
  tx: Tx,
  batch: readonly Received<typeof ReleaseStockSchema>[],
  context: InventoryContext,
): Promise<void> {
  await closeGate(tx);
  const known = await lockReservations(
    tx,
    batch.map(({ message }) => message.orderId),
  );
  const entries = batch.map(({ message: { orderId }, cause }) => {
    const reservation = known.get(orderId);
    return { orderId, cause, reservation: reservation ?? tombstone(orderId), decision: decideRelease(reservation) };
  });
  const unseen = entries.filter((entry) => entry.decision === 'tombstone');
  if (unseen.length > 0) {
    await insertTombstones(
      tx,
      unseen.map((entry) => entry.orderId),
    );
  }
  const ending = entries.filter((entry) => entry.decision === 'give-back');
  if (ending.length > 0) {
    const bookings = ending.map(({ reservation, cause }) => ({ lines: reservation.lines, cause }));
    await returnUnits(context, tx, bookings);
    await markReleased(
      tx,
      ending.map((entry) => entry.orderId),
      'RELEASED',
    );
  }
  for (const { orderId, reservation, decision, cause } of entries) {
    // Nothing calls a parcel back. The saga releases nothing that was shipped: this is a bug, or a database restored.
    if (reservation.state === 'SHIPPED') context.log.error('shipped goods cannot be released', { id: orderId });
    const now = decision === 'give-back' ? released(reservation, 'RELEASED') : reservation;
    // A refused reservation stays refused; it too has nothing left to give back.
    const reason = now.state === 'RELEASED' ? now.reason : 'RELEASED';
    context.publish(tx, StockReleasedSchema, { orderId, reservation: writeReservation(now), reason }, cause);
  }
}

/** Takes the bookings' units out of what is promised and tells the levels that changed. */
export async function returnUnits(context: InventoryContext, tx: Tx, bookings: readonly Booking[]): Promise<void> {
  const lines = sumLines(bookings.flatMap((booking) => booking.lines));
  if (lines.length === 0) return;
  await lockLevels(
    tx,
    lines.map((line) => line.sku),
  );
  tellLevels(context, tx, await giveBack(tx, lines), bookings);
}

export function released(reservation: Reservation, reason: 'RELEASED' | 'EXPIRED'): Reservation {
  return { ...reservation, state: 'RELEASED', reason };
}

function tombstone(orderId: string): Reservation {
  const base = { orderId, lines: [], expiresAt: undefined, overdue: false, blockingSkus: [] };
  return { ...base, state: 'RELEASED', reason: 'RELEASED' };
}
