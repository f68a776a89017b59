// CreateShipment: two statements whatever the batch's size. Methods are looked up in the database, not in memory: a
// list that is 30 s old would refuse, and so cancel and refund, an order placed with a method that has just been added.
import type { Received } from '@stoa/chassis/events/envelope';
import type { Tx } from '@stoa/chassis/postgres/database';
import type { Random } from '@stoa/chassis/runtime';
import type { CreateShipmentSchema } from '@stoa/proto/stoa/shipping/v1/commands_pb';
import { ShipmentCreatedSchema, ShipmentRefusedSchema } from '@stoa/proto/stoa/shipping/v1/events_pb';
import type { ShippingContext } from '../context.ts';
import { decideShipment } from '../domain/shipment.ts';
import { trackingNumber } from '../domain/tracking-number.ts';
import { knownMethods } from '../infrastructure/methods.ts';
import { storeOrRepeat } from '../infrastructure/shipments.ts';
import { writeShipment } from './write-messages.ts';

export async function createShipments(
  tx: Tx,
  batch: readonly Received<typeof CreateShipmentSchema>[],
  context: ShippingContext,
): Promise<void> {
  const methods = await knownMethods(tx, [...new Set(batch.map(({ message }) => message.methodId))]);
  const decided = batch.map(({ message: { orderId, methodId } }) => {
    const draw = { id: context.ids.uuid(), trackingNumber: trackingNumber(drawSerial(context.random)) };
    return decideShipment({ orderId, methodId }, methods, draw);
  });
  const outcomes = await storeOrRepeat(tx, decided);
  for (const { message, cause } of batch) {
    const { orderId } = message;
    const outcome = outcomes.get(orderId);
    if (outcome === undefined) throw new Error(`order ${orderId} has no outcome`);
    const { version } = outcome;
    if (outcome.kind === 'refused') {
      context.publish(tx, ShipmentRefusedSchema, { orderId, version, reason: outcome.reason }, cause);
    } else {
      context.publish(tx, ShipmentCreatedSchema, { orderId, version, shipment: writeShipment(outcome) }, cause);
    }
  }
}

/**
 * 17 random digits. Not derived from the order id, which others know: who knows an order must not know its parcel.
 * Should a number ever be drawn twice, its unique key fails the batch, and the redelivery draws another.
 */
function drawSerial(random: Random): string {
  const high = String(random.below(100_000_000)).padStart(8, '0');
  const low = String(random.below(1_000_000_000)).padStart(9, '0');
  return `${high}${low}`;
}
