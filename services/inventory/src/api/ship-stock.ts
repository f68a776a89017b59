// What shipping tells: an order's goods leave the warehouse. They are booked out by a receipt and no longer promised, so
// what is available stays as it is. Six statements whatever the batch's size. A repetition finds the reservation shipped.
import { consumer, on } from '@stoa/chassis/events/consumer';
import type { Received } from '@stoa/chassis/events/envelope';
import { topic } from '@stoa/chassis/events/topic';
import type { Tx } from '@stoa/chassis/postgres/database';
import { file_stoa_shipping_v1_events, ShipmentCreatedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';
import type { InventoryContext } from '../context.ts';
import { decideShip } from '../domain/reservation.ts';
import { sumLines } from '../domain/stock.ts';
import { insertShipped } from '../infrastructure/receipts.ts';
import { lockReservations, markShipped } from '../infrastructure/reservations.ts';
import { bookOut, lockLevels } from '../infrastructure/stock.ts';
import { closeGate } from '../infrastructure/stock-gate.ts';
import { tellLevels } from './answers.ts';

async function shipStock(
  tx: Tx,
  batch: readonly Received<typeof ShipmentCreatedSchema>[],
  context: InventoryContext,
): Promise<void> {
  await closeGate(tx);
  const known = await lockReservations(
    tx,
    batch.map(({ message }) => message.orderId),
  );
  const leaving = batch.flatMap(({ message: { orderId }, cause }) => {
    const reservation = known.get(orderId);
    const decision = decideShip(reservation);
    if (decision === 'not-committed') {
      // Nothing can be booked out for it. The saga ships only what was committed: this is a bug, or a database restored.
      context.log.error('goods were shipped that were not committed', { id: orderId, state: reservation?.state ?? '' });
    }
    return reservation !== undefined && decision === 'ship' ? [{ orderId, lines: reservation.lines, cause }] : [];
  });
  if (leaving.length === 0) return;
  const lines = sumLines(leaving.flatMap((shipment) => shipment.lines));
  await insertShipped(tx, leaving);
  await lockLevels(
    tx,
    lines.map((line) => line.sku),
  );
  tellLevels(context, tx, await bookOut(tx, lines), leaving);
  await markShipped(
    tx,
    leaving.map(({ orderId }) => orderId),
  );
}

export const followShipments = consumer<InventoryContext>({
  name: 'inventory.shipments',
  topic: topic('shipping.events', file_stoa_shipping_v1_events),
  on: [on(ShipmentCreatedSchema, shipStock)],
});
