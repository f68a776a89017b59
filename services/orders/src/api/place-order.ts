// PlaceOrder: turns a cart into an order, once for each idempotency key.
//
// One transaction stores the key, the order, its contact, the saga and the first command, so there is no "in progress":
// a key either has an order or was never used.
import { toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { CommitUnknownError, SqlState, sqlState, violatedConstraint } from '@stoa/chassis/postgres/database';
import { callerOf, causeOf, relay, userIdOf } from '@stoa/chassis/rpc/caller';
import { failedPrecondition, reasonOf, refuse } from '@stoa/chassis/rpc/errors';
import { CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { AddressSchema } from '@stoa/proto/stoa/common/v1/address_pb';
import type { PlaceOrderRequest } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import type { OrdersContext } from '../context.ts';
import { type Order, place } from '../domain/order.ts';
import { publishPlaced } from '../infrastructure/order-events.ts';
import { writeOrder } from '../infrastructure/order-message.ts';
import { findByKey, insertOrder, loadOrders, type NewOrder } from '../infrastructure/orders.ts';
import { type CheckoutData, checkout } from '../saga/checkout.ts';
import { accessToken } from './access.ts';
import { checkoutData, readPurchase } from './read-purchase.ts';
import { checkPlaceOrder, requestHash } from './read-requests.ts';
import { whenDecided } from './when-decided.ts';

const CART_SPENT = 'orders_cart_id_cart_version_key';
const GUESTS = 'guest';

/** A request with the key under which it counts. */
interface Attempt {
  readonly request: PlaceOrderRequest;
  readonly scope: string;
  readonly hash: Buffer;
}

interface Placed {
  readonly order: Order;
  /** An earlier request with this key had placed it. */
  readonly repeated: boolean;
}

export function placeOrder(context: OrdersContext) {
  const { accessTokenSecret } = context.config;
  return async (request: PlaceOrderRequest, call: HandlerContext) => {
    checkPlaceOrder(request);
    const attempt = { request, scope: userIdOf(call) ?? GUESTS, hash: requestHash(request) };
    const { order, repeated } = await placeOnce(context, attempt, call);
    const latest = await whenDecided(context, order, request.waitMs, call.signal);
    context.metrics.count('orders_accepted_total', 'Orders accepted', {
      repeated: String(repeated),
      signedIn: String(callerOf(call).user !== undefined),
    });
    return { order: writeOrder(latest), accessToken: accessToken(accessTokenSecret, order.id), repeated };
  };
}

async function placeOnce(context: OrdersContext, attempt: Attempt, call: HandlerContext): Promise<Placed> {
  const before = await placedBefore(context, attempt);
  if (before !== undefined) return { order: before, repeated: true };
  try {
    return await placeNow(context, attempt, call);
  } catch (error) {
    if (!mayHaveBeenPlaced(error)) throw error;
    // The same request may have won the race for the cart, or this one's commit may have happened unanswered.
    const order = await placedBefore(context, attempt);
    if (order !== undefined) return { order, repeated: true };
    throw isSpentCart(error) ? cartAlreadyOrdered() : error;
  }
}

/** The order that an earlier request with this key placed; refuses when that was another request. */
async function placedBefore({ db }: OrdersContext, { request, scope, hash }: Attempt): Promise<Order | undefined> {
  const found = await findByKey(db, scope, request.idempotencyKey);
  if (found === undefined) return undefined;
  if (!found.requestHash.equals(hash)) {
    throw refuse(Code.AlreadyExists, 'KEY_REUSED', 'this idempotency key was used for another request');
  }
  return (await loadOrders(db, [found.orderId])).get(found.orderId);
}

async function placeNow(context: OrdersContext, attempt: Attempt, call: HandlerContext): Promise<Placed> {
  const { request, scope, hash } = attempt;
  const [{ cart }] = await Promise.all([
    context.client(CartService).getCheckout({ cartId: request.cartId }, relay(call)),
    checkMethod(context, request, call),
  ]);
  if (cart === undefined) throw new Error('cart answered without a cart');
  const order = place(readPurchase(cart, request, call, context), context.clock.now());
  const fresh: NewOrder = {
    order,
    email: cart.email,
    address: cart.address === undefined ? new Uint8Array() : toBinary(AddressSchema, cart.address),
    keyScope: scope,
    key: request.idempotencyKey,
    requestHash: hash,
  };
  const data = checkoutData(order, request, context.config.holdSeconds);
  if (await store(context, fresh, data, call)) return { order, repeated: false };
  const before = await placedBefore(context, attempt);
  // The key was there and is gone again: it was just forgotten for its age.
  if (before === undefined) throw new ConnectError('please repeat the request', Code.Unavailable);
  return { order: before, repeated: true };
}

async function checkMethod(context: OrdersContext, request: PlaceOrderRequest, call: HandlerContext): Promise<void> {
  const { methods } = await context.client(PaymentsService).listMethods({}, relay(call));
  if (methods.some(({ id }) => id === request.paymentMethodId)) return;
  throw failedPrecondition('PAYMENT_METHOD_INVALID', `there is no payment method "${request.paymentMethodId}"`);
}

/** False when the key is taken. */
function store(context: OrdersContext, fresh: NewOrder, data: CheckoutData, call: HandlerContext): Promise<boolean> {
  return context.db.transact(
    async (tx) => {
      if (!(await insertOrder(tx, fresh))) return false;
      publishPlaced(tx, context.publish, fresh.order);
      await context.saga(checkout).start(tx, [{ sagaId: fresh.order.id, data }]);
      return true;
    },
    { cause: causeOf(call) },
  );
}

const isSpentCart = (error: unknown) =>
  sqlState(error) === SqlState.uniqueViolation && violatedConstraint(error) === CART_SPENT;

const mayHaveBeenPlaced = (error: unknown) =>
  isSpentCart(error) || error instanceof CommitUnknownError || reasonOf(error) === 'CART_ALREADY_ORDERED';

const cartAlreadyOrdered = () => failedPrecondition('CART_ALREADY_ORDERED', 'this cart was ordered already');
