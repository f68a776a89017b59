// PlaceOrder: turns a cart into an order, once for each idempotency key.
//
// One transaction stores the key, the order, its contact, the saga and the first command, so there is no "in progress":
// a key either has an order or was never used. Orders that come at the same time share that transaction: one commit
// makes all of them durable, and each is answered after it.
import { toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import type { Cause } from '@stoa/chassis/events/envelope';
import { gather } from '@stoa/chassis/gather';
import { CommitUnknownError, SqlState, sqlState, violatedConstraint } from '@stoa/chassis/postgres/database';
import { callerOf, causeOf, relay, userIdOf } from '@stoa/chassis/rpc/caller';
import { failedPrecondition, refuse } from '@stoa/chassis/rpc/errors';
import { CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { AddressSchema } from '@stoa/proto/stoa/common/v1/address_pb';
import type { PlaceOrderRequest } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import type { OrdersContext } from '../context.ts';
import { type Order, place } from '../domain/order.ts';
import { publishPlaced } from '../infrastructure/order-events.ts';
import { writeOrder } from '../infrastructure/order-message.ts';
import { findByKeys, insertOrders, type Key, type KeyedOrder, type NewOrder } from '../infrastructure/orders.ts';
import { type CheckoutData, checkout } from '../saga/checkout.ts';
import { accessToken } from './access.ts';
import { checkoutData, readPurchase } from './read-purchase.ts';
import { checkPlaceOrder, requestHash } from './read-requests.ts';
import { untilReopened } from './reopening-cart.ts';
import { whenDecided } from './when-decided.ts';

const CART_SPENT = 'orders_cart_id_cart_version_key';
const GUESTS = 'guest';

/** A request with the key under which it counts. */
interface Attempt {
  readonly request: PlaceOrderRequest;
  readonly scope: string;
  readonly hash: Buffer;
}

/** An order about to be stored. */
interface Placement {
  readonly fresh: NewOrder;
  readonly data: CheckoutData;
  readonly cause: Cause;
}

/** The two statements of placing, for all requests that come at the same time. */
interface Shelf {
  find(key: Key): Promise<KeyedOrder | undefined>;
  /** False when the key is taken. */
  store(placement: Placement): Promise<boolean>;
}

interface Placed {
  readonly order: Order;
  /** An earlier request with this key had placed it. */
  readonly repeated: boolean;
}

export function placeOrder(context: OrdersContext) {
  const { clock, config } = context;
  const shelf: Shelf = {
    find: gather({ clock, run: (keys: readonly Key[]) => findByKeys(context.db, keys) }),
    store: gather({ clock, run: (placements: readonly Placement[]) => storeAll(context, placements) }),
  };
  return async (request: PlaceOrderRequest, call: HandlerContext) => {
    checkPlaceOrder(request);
    const attempt = { request, scope: userIdOf(call) ?? GUESTS, hash: requestHash(request) };
    const { order, repeated } = await placeOnce(context, shelf, attempt, call);
    const latest = await whenDecided(context, order, request.waitMs, call);
    context.metrics.count('orders_accepted_total', 'Orders accepted', {
      repeated: String(repeated),
      signedIn: String(callerOf(call).user !== undefined),
    });
    return { order: writeOrder(latest), accessToken: accessToken(config.accessTokenSecret, order.id), repeated };
  };
}

async function placeOnce(
  context: OrdersContext,
  shelf: Shelf,
  attempt: Attempt,
  call: HandlerContext,
): Promise<Placed> {
  const before = await placedBefore(shelf, attempt);
  if (before !== undefined) return { order: before, repeated: true };
  for (;;) {
    try {
      return await placeNow(context, shelf, attempt, call);
    } catch (error) {
      if (!mayHaveBeenPlaced(error)) throw error;
      // The same request may have won the race for the cart, or this one's commit may have happened unanswered.
      const order = await placedBefore(shelf, attempt);
      if (order !== undefined) return { order, repeated: true };
      const refusal = isSpentCart(error) ? cartAlreadyOrdered() : error;
      await untilReopened(context, attempt.request.cartId, refusal, call);
    }
  }
}

/** The order that an earlier request with this key placed; refuses when that was another request. */
async function placedBefore(shelf: Shelf, { request, scope, hash }: Attempt): Promise<Order | undefined> {
  const found = await shelf.find({ scope, key: request.idempotencyKey });
  if (found === undefined) return undefined;
  if (!found.requestHash.equals(hash)) {
    throw refuse(Code.AlreadyExists, 'KEY_REUSED', 'this idempotency key was used for another request');
  }
  return found.order;
}

async function placeNow(context: OrdersContext, shelf: Shelf, attempt: Attempt, call: HandlerContext): Promise<Placed> {
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
  const data = checkoutData(order, request, context.config);
  if (await shelf.store({ fresh, data, cause: causeOf(call) })) return { order, repeated: false };
  const before = await placedBefore(shelf, attempt);
  // The key was there and is gone again: it was just forgotten for its age.
  if (before === undefined) throw new ConnectError('please repeat the request', Code.Unavailable);
  return { order: before, repeated: true };
}

async function checkMethod(context: OrdersContext, request: PlaceOrderRequest, call: HandlerContext): Promise<void> {
  const { methods } = await context.client(PaymentsService).listMethods({}, relay(call));
  if (methods.some(({ id }) => id === request.paymentMethodId)) return;
  throw failedPrecondition('PAYMENT_METHOD_INVALID', `there is no payment method "${request.paymentMethodId}"`);
}

/** Whether each was stored. */
function storeAll(context: OrdersContext, placements: readonly Placement[]): Promise<boolean[]> {
  return context.db.transact(async (tx) => {
    const stored = await insertOrders(
      tx,
      placements.map(({ fresh }) => fresh),
    );
    const placed = placements.filter(({ fresh }) => stored.has(fresh.order.id));
    for (const { fresh, cause } of placed) publishPlaced(tx, context.publish, fresh.order, cause);
    const starts = placed.map(({ fresh, data, cause }) => ({ sagaId: fresh.order.id, data, cause }));
    if (starts.length > 0) await context.saga(checkout).start(tx, starts);
    return placements.map(({ fresh }) => stored.has(fresh.order.id));
  });
}

const isSpentCart = (error: unknown) =>
  sqlState(error) === SqlState.uniqueViolation && violatedConstraint(error) === CART_SPENT;

/**
 * Whether the same request may have won. Any refusal for the state of things is such a case: the order that was placed
 * meanwhile has spent the cart, or has taken the last of what was in it, or the cart was merged by a claim since.
 */
const mayHaveBeenPlaced = (error: unknown) =>
  isSpentCart(error) ||
  error instanceof CommitUnknownError ||
  (error instanceof ConnectError && (error.code === Code.FailedPrecondition || error.code === Code.NotFound));

const cartAlreadyOrdered = () => failedPrecondition('CART_ALREADY_ORDERED', 'this cart was ordered already');
