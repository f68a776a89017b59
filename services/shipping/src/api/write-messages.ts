// Domain to wire.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type ShipmentSchema,
  type ShippingMethodSchema,
  ShipmentState as WireState,
} from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import type { Offer } from '../domain/method.ts';
import type { Shipment } from '../domain/shipment.ts';

export function writeShipment(shipment: Shipment): MessageInitShape<typeof ShipmentSchema> {
  const { id, orderId, methodId, version } = shipment;
  return {
    id,
    orderId,
    methodId,
    version,
    state: WireState[shipment.state],
    trackingNumber: shipment.trackingNumber,
    createdAt: timestampFromDate(shipment.createdAt),
  };
}

export function writeOffer({ method, currency, minor }: Offer): MessageInitShape<typeof ShippingMethodSchema> {
  const { id, name, description, minDays, maxDays, countries } = method;
  return { id, name, description, price: { currency, minor }, minDays, maxDays, countries: [...countries] };
}
