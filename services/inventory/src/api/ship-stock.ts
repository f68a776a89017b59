// What shipping tells: an order's goods leave the warehouse. They are booked out by a receipt and no longer promised, so
// what is available stays as it is and no level is told. Three statements whatever the batch's size. A repetition finds
// the reservation shipped.
import { consumer, on } from '@stoa/chassis/events/consumer';
import type { Received } from '@stoa/chassis/events/envelope';
import { topic } from '@stoa/chassis/events/topic';
import type { Tx } from '@stoa/chassis/postgres/database';
import { file_stoa_shipping_v1_events, ShipmentCreatedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';
import type { InventoryContext } from '../context.ts';
import { decideShip } from '../domain/reservation.ts';
import { lockReservations } from '../infrastructure/reservations.ts';
import { bookOut } from '../infrastructure/shipments.ts';
import { closeGate } from '../infrastructure/stock-gate.ts';

/** Nobody waits for a shipment to be booked out. */
const PACE_MS = 250;

async function shipStock(
  tx: Tx,
  batch: readonly Received<typeof ShipmentCreatedSchema>[],
  context: InventoryContext,
): Promise<void> {
  await closeGate(tx);
  const orderIds = batch.map(({ message }) => message.orderId);
  const known = await lockReservations(tx, orderIds);
  const leaving = orderIds.flatMap((orderId) => {
    const reservation = known.get(orderId);
    const decision = decideShip(reservation);
    if (decision === 'not-committed') {
      // Nothing can be booked out for it. The saga ships only what was committed: this is a bug, or a database restored.
      context.log.error('goods were shipped that were not committed', { id: orderId, state: reservation?.state ?? '' });
    }
    return reservation !== undefined && decision === 'ship' ? [reservation] : [];
  });
  if (leaving.length > 0) await bookOut(tx, leaving);
}

export const followShipments = consumer<InventoryContext>({
  name: 'inventory.shipments',
  topic: topic('shipping.events', file_stoa_shipping_v1_events),
  on: [on(ShipmentCreatedSchema, shipStock)],
  paceMs: PACE_MS,
});
