// Shipping's gRPC methods: reading only. Shipments come into being by orders' commands; see create-shipments.ts.
import type { ServiceImpl } from '@connectrpc/connect';
import { notFound } from '@stoa/chassis/rpc/errors';
import { validate } from '@stoa/chassis/rpc/validate';
import type { ShippingService } from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import type { ShippingContext } from '../context.ts';
import { offersFor } from '../domain/method.ts';
import { findShipments } from '../infrastructure/shipments.ts';
import { writeOffer, writeShipment } from './write-messages.ts';

const ORDERS_MAX = 100;

export function shippingHandlers(context: ShippingContext): ServiceImpl<typeof ShippingService> {
  return {
    /** From memory: at most 30 s and one query older than the database. */
    listMethods({ country, currency }) {
      validate((checks) => {
        checks.require(
          country === '' || /^[A-Z]{2}$/.test(country),
          'country',
          'must be two upper-case letters or empty',
        );
        checks.require(/^[A-Z]{3}$/.test(currency), 'currency', 'must be three upper-case letters');
      });
      return { methods: offersFor(context.deps.methods.current(), country, currency).map(writeOffer) };
    },

    async getShipment({ orderId }) {
      validate((checks) => checks.uuid('order_id', orderId));
      const [shipment] = await findShipments(context.db, [orderId]);
      if (shipment === undefined) throw notFound('SHIPMENT_NOT_FOUND', 'the order has no shipment');
      return { shipment: writeShipment(shipment) };
    },

    async getShipments({ orderIds }) {
      validate((checks) => {
        checks.items('order_ids', orderIds, 1, ORDERS_MAX);
        for (const [index, id] of orderIds.entries()) checks.uuid(`order_ids[${index}]`, id);
      });
      return { shipments: (await findShipments(context.db, orderIds)).map(writeShipment) };
    },
  };
}
