// Reading orders: one, a customer's list, the history, contacts for the services that need them.
import { fromBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import { gather } from '@stoa/chassis/gather';
import { userIdOf } from '@stoa/chassis/rpc/caller';
import { validate } from '@stoa/chassis/rpc/validate';
import { COMPENSATED, COMPLETED, undoing } from '@stoa/chassis/saga/define';
import { AddressSchema } from '@stoa/proto/stoa/common/v1/address_pb';
import { OrderStep } from '@stoa/proto/stoa/orders/v1/order_pb';
import type {
  GetContactsRequest,
  GetOrderHistoriesRequest,
  GetOrderHistoryRequest,
  GetOrderRequest,
  ListOrdersRequest,
} from '@stoa/proto/stoa/orders/v1/orders_pb';
import type { OrdersContext } from '../context.ts';
import { readStream, readStreams, type StreamEntry } from '../infrastructure/order-events.ts';
import { writeOrder } from '../infrastructure/order-message.ts';
import { listOrders, loadContacts, loadFollowed, loadOrders } from '../infrastructure/orders.ts';
import { checkAccess, maySee, orderNotFound } from './access.ts';
import { readAsOf, readOrderId, readPage, writeCursor } from './read-requests.ts';

const CONTACTS_MAX = 200;
const HISTORIES_MAX = 100;

const STEPS: Readonly<Record<string, OrderStep>> = {
  RESERVING: OrderStep.RESERVING,
  AUTHORIZING: OrderStep.AUTHORIZING,
  COMMITTING_STOCK: OrderStep.COMMITTING_STOCK,
  CAPTURING: OrderStep.CAPTURING,
  ARRANGING_SHIPMENT: OrderStep.ARRANGING_SHIPMENT,
  [undoing('AUTHORIZING')]: OrderStep.COMPENSATING,
  [undoing('RESERVING')]: OrderStep.COMPENSATING,
  [COMPLETED]: OrderStep.DONE,
  [COMPENSATED]: OrderStep.DONE,
};

export function getOrder({ db, clock, config }: OrdersContext) {
  const load = gather({ clock, run: (ids: readonly string[]) => loadFollowed(db, ids) });
  return async (request: GetOrderRequest, call: HandlerContext) => {
    const orderId = readOrderId(request);
    const asOf = readAsOf(request);
    const stored = await load(orderId);
    const order = checkAccess(stored?.order, request.accessToken, config.accessTokenSecret, call);
    if (asOf === undefined) {
      const step = STEPS[stored?.sagaState ?? ''] ?? OrderStep.UNSPECIFIED;
      return { order: { ...writeOrder(order), step } };
    }
    const then = (await readStream(db, order.id, asOf)).at(-1)?.order;
    if (then === undefined) throw orderNotFound();
    return { order: writeOrder(then) };
  };
}

export function listCustomerOrders({ db }: OrdersContext) {
  return async (request: ListOrdersRequest, call: HandlerContext) => {
    const { first, after } = readPage(request.page);
    // The contract lets only signed-in customers through.
    const found = await listOrders(db, userIdOf(call) as string, after, first + 1);
    const edges = found.slice(0, first).map((order) => ({ order: writeOrder(order), cursor: writeCursor(order) }));
    return { edges, pageInfo: { hasNextPage: found.length > first, endCursor: edges.at(-1)?.cursor ?? '' } };
  };
}

export function getOrderHistory({ db, config }: OrdersContext) {
  return async (request: GetOrderHistoryRequest, call: HandlerContext) => {
    const orderId = readOrderId(request);
    const stored = (await loadOrders(db, [orderId])).get(orderId);
    const order = checkAccess(stored, request.accessToken, config.accessTokenSecret, call);
    return { entries: (await readStream(db, order.id)).map(writeEntry) };
  };
}

export function getOrderHistories({ db, config }: OrdersContext) {
  return async ({ orders: asked }: GetOrderHistoriesRequest, call: HandlerContext) => {
    validate((checks) => {
      checks.items('orders', asked, 1, HISTORIES_MAX);
      for (const [index, { orderId }] of asked.entries()) checks.uuid(`orders[${index}].order_id`, orderId);
    });
    const stored = await loadOrders(
      db,
      asked.map(({ orderId }) => orderId.toLowerCase()),
    );
    const seen = asked.flatMap(({ orderId, accessToken }) => {
      const order = stored.get(orderId.toLowerCase());
      return order !== undefined && maySee(order, accessToken, config.accessTokenSecret, call) ? [order.id] : [];
    });
    const streams = await readStreams(db, seen);
    return { histories: [...streams].map(([orderId, stream]) => ({ orderId, entries: stream.map(writeEntry) })) };
  };
}

function writeEntry({ type, occurredAt, order }: StreamEntry) {
  return { version: order.version, type, occurredAt: timestampFromDate(occurredAt), status: writeOrder(order).status };
}

export function getContacts({ db }: OrdersContext) {
  return async ({ orderIds }: GetContactsRequest) => {
    validate((checks) => {
      checks.items('order_ids', orderIds, 1, CONTACTS_MAX);
      for (const [index, id] of orderIds.entries()) checks.uuid(`order_ids[${index}]`, id);
    });
    const contacts = await loadContacts(db, orderIds);
    return {
      contacts: contacts.map(({ number, address, ...contact }) => ({
        ...contact,
        orderNumber: number,
        address: fromBinary(AddressSchema, address),
      })),
    };
  };
}
