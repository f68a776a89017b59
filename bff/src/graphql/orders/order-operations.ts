// Placing, reading and cancelling orders.
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { validate } from '@stoa/chassis/rpc/validate';
import type { OrderEdge } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { builder } from '../builder.ts';
import { named } from '../errors.ts';
import { orUndefined } from '../loaders.ts';
import { MoneyInput, readMoney } from '../money.ts';
import { pageRequest, toConnection } from '../paging.ts';
import { mutation } from '../result.ts';
import { OrderRef, type OrderView, toView } from './order.ts';

/** The contract's bound on how long placing an order may wait for its outcome. */
const WAIT_MAX_MS = 5_000;

const OrderConnection = builder.connectionObject({ type: OrderRef, name: 'OrderConnection' });
const toEdge = ({ order, cursor }: OrderEdge) => ({ cursor, node: toView(order, '') });

builder.queryFields((t) => ({
  order: t.field({
    type: OrderRef,
    nullable: true,
    args: {
      id: t.arg.id({ required: true }),
      accessToken: t.arg.string({ description: 'Guests only: from placeOrder.' }),
      asOf: t.arg({ type: 'DateTime', description: 'The order as it was at this time; null before it was placed.' }),
    },
    resolve: async (_, { id, accessToken, asOf }, { clients, call }) => {
      const token = accessToken ?? '';
      const request = {
        orderId: id,
        accessToken: token,
        ...(asOf == null ? {} : { asOf: timestampFromDate(asOf) }),
      };
      const answer = await orUndefined(named(clients.orders.getOrder(request, call()), { order_id: 'id' }));
      return answer === undefined ? null : toView(answer.order, token);
    },
  }),
  orders: t.field({
    type: OrderConnection,
    nullable: true,
    description: "The signed-in customer's orders, newest first.",
    args: { first: t.arg.int({ description: '1 to 100; 20 when left out.' }), after: t.arg.string() },
    resolve: async (_, { first, after }, { clients, call }) => {
      const { edges, pageInfo } = await clients.orders.listOrders({ page: pageRequest({ first, after }) }, call());
      return toConnection({ edges: edges.map(toEdge), info: pageInfo, after });
    },
  }),
}));

const PlaceOrderInput = builder.inputType('PlaceOrderInput', {
  fields: (t) => ({
    cartId: t.id({ required: true }),
    idempotencyKey: t.string({
      required: true,
      description:
        'Chosen by you for this purchase, 8 to 200 printable characters (a UUID is best). Repeat the request with the ' +
        'same key after a lost answer: there will be one order.',
    }),
    paymentMethodId: t.id({ required: true }),
    paymentToken: t.string({
      required: true,
      description: "What the payment provider's script gave for the card. Never card data.",
    }),
    expectedTotal: t.field({ type: MoneyInput, description: 'When given, another total is refused: PRICE_CHANGED.' }),
    waitMs: t.int({
      description:
        'Wait up to this long for the outcome, or until the customer must act (paymentAction), at most 5000; 0 or left ' +
        'out: answer at once.',
    }),
  }),
});

interface PlacedOrder {
  readonly view: OrderView;
  readonly accessToken: string;
  readonly repeated: boolean;
}

const PlaceOrderPayload = builder.objectRef<PlacedOrder>('PlaceOrderPayload').implement({
  fields: (t) => ({
    order: t.field({
      type: OrderRef,
      description: 'PENDING, perhaps with a paymentAction, or its outcome if that came within waitMs.',
      resolve: ({ view }) => view,
    }),
    accessToken: t.exposeString('accessToken', {
      description: 'Lets a guest read the order later; the same for every repetition.',
    }),
    repeated: t.exposeBoolean('repeated', {
      description: 'True when an earlier request with this key had placed the order.',
    }),
  }),
});

function readPlaceOrder(input: typeof PlaceOrderInput.$inferInput) {
  const { expectedTotal, waitMs, ...rest } = input;
  let total: ReturnType<typeof readMoney> | undefined;
  validate((checks) => {
    checks.integer('waitMs', waitMs ?? 0, 0, WAIT_MAX_MS);
    if (expectedTotal != null) total = readMoney(checks, 'expectedTotal', expectedTotal);
  });
  return { ...rest, waitMs: waitMs ?? 0, ...(total === undefined ? {} : { expectedTotal: total }) };
}

mutation('placeOrder', {
  description: 'Turns a cart into an order, once for each idempotency key.',
  input: PlaceOrderInput,
  payload: PlaceOrderPayload,
  resolve: async (input, { clients, call }) => {
    const { order, accessToken, repeated } = await clients.orders.placeOrder(readPlaceOrder(input), call());
    return { view: toView(order, accessToken), accessToken, repeated };
  },
});

const CancelOrderInput = builder.inputType('CancelOrderInput', {
  fields: (t) => ({
    orderId: t.id({ required: true }),
    accessToken: t.string({ description: 'Guests only: from placeOrder.' }),
    reason: t.string({
      deprecationReason: 'It is accepted and not kept: the reason of the order is CUSTOMER_REQUEST.',
    }),
  }),
});

mutation('cancelOrder', {
  description: 'Asks for cancellation. Possible until the payment is captured: TOO_LATE_TO_CANCEL after.',
  input: CancelOrderInput,
  payload: builder.objectRef<OrderView>('CancelOrderPayload').implement({
    fields: (t) => ({ order: t.field({ type: OrderRef, resolve: (view) => view }) }),
  }),
  resolve: async ({ orderId, accessToken, reason }, { clients, call }) => {
    const token = accessToken ?? '';
    const request = { orderId, accessToken: token, reason: reason ?? '' };
    return toView((await clients.orders.cancelOrder(request, call())).order, token);
  },
});
