// PlaceOrder: turns a cart into an order, once for each idempotency key.
//
// One transaction stores the key, the order, its contact, the saga and the first command, so there is no "in progress":
// a key either has an order or was never used.
import { toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import type { Tx } from '@stoa/chassis/postgres/database';
import { CommitUnknownError, SqlState, sqlState, violatedConstraint } from '@stoa/chassis/postgres/database';
import { callerOf, causeOf, relay, userIdOf } from '@stoa/chassis/rpc/caller';
import { failedPrecondition, reasonOf, refuse } from '@stoa/chassis/rpc/errors';
import { type Cart, CartService } from '@stoa/proto/stoa/cart/v1/cart_pb';
import { AddressSchema } from '@stoa/proto/stoa/common/v1/address_pb';
import type { Money } from '@stoa/proto/stoa/common/v1/money_pb';
import type { PlaceOrderRequest } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { PaymentsService } from '@stoa/proto/stoa/payments/v1/payments_pb';
import type { OrdersContext } from '../context.ts';
import { isDecided, type Order, orderNumber, type Purchase, place, purchaseProblem } from '../domain/order.ts';
import { publishPlaced } from '../infrastructure/order-events.ts';
import { writeOrder } from '../infrastructure/order-message.ts';
import { findByKey, insertOrder, loadOrders, type NewOrder } from '../infrastructure/orders.ts';
import { type CheckoutData, checkout } from '../saga/checkout.ts';
import { accessToken } from './access.ts';
import { checkPlaceOrder, requestHash } from './read-requests.ts';

const CART_SPENT = 'orders_cart_id_cart_version_key';
const GUESTS = 'guest';
const LOOK_AGAIN_MS = 500;

interface Placed {
  readonly order: Order;
  readonly repeated: boolean;
}

export function placeOrder(context: OrdersContext) {
  const { db, clock, config, deps } = context;
  const carts = context.client(CartService);
  const payments = context.client(PaymentsService);

  /** The order that an earlier request with this key placed; refuses when that was another request. */
  async function placedBefore(request: PlaceOrderRequest, scope: string, hash: Buffer): Promise<Order | undefined> {
    const found = await findByKey(db, scope, request.idempotencyKey);
    if (found === undefined) return undefined;
    if (!found.requestHash.equals(hash)) {
      throw refuse(Code.AlreadyExists, 'KEY_REUSED', 'this idempotency key was used for another request');
    }
    return (await loadOrders(db, [found.orderId])).get(found.orderId);
  }

  async function checkMethod(request: PlaceOrderRequest, call: HandlerContext): Promise<void> {
    const { methods } = await payments.listMethods({}, relay(call));
    if (methods.some(({ id }) => id === request.paymentMethodId)) return;
    throw failedPrecondition('PAYMENT_METHOD_INVALID', `there is no payment method "${request.paymentMethodId}"`);
  }

  async function store(fresh: NewOrder, data: CheckoutData, call: HandlerContext): Promise<boolean> {
    return db.transact(
      async (tx: Tx) => {
        if (!(await insertOrder(tx, fresh))) return false;
        publishPlaced(tx, context.publish, fresh.order);
        await context.saga(checkout).start(tx, [{ sagaId: fresh.order.id, data }]);
        return true;
      },
      { cause: causeOf(call) },
    );
  }

  async function placeNow(
    request: PlaceOrderRequest,
    scope: string,
    hash: Buffer,
    call: HandlerContext,
  ): Promise<Placed> {
    const [{ cart }] = await Promise.all([
      carts.getCheckout({ cartId: request.cartId }, relay(call)),
      checkMethod(request, call),
    ]);
    const purchase = freeze(cart, request, context);
    const order = place(purchase, clock.now());
    const { email = '', address } = cart as Cart;
    const fresh: NewOrder = {
      order,
      email,
      address: address === undefined ? new Uint8Array() : toBinary(AddressSchema, address),
      keyScope: scope,
      key: request.idempotencyKey,
      requestHash: hash,
    };
    if (await store(fresh, checkoutData(order, request, config.holdSeconds), call)) return { order, repeated: false };
    const before = await placedBefore(request, scope, hash);
    if (before === undefined) throw new ConnectError('please repeat the request', Code.Unavailable);
    return { order: before, repeated: true };
  }

  async function placeOnce(request: PlaceOrderRequest, call: HandlerContext): Promise<Placed> {
    const scope = userIdOf(call) ?? GUESTS;
    const hash = requestHash(request);
    const before = await placedBefore(request, scope, hash);
    if (before !== undefined) return { order: before, repeated: true };
    try {
      return await placeNow(request, scope, hash, call);
    } catch (error) {
      if (!mayHaveBeenPlaced(error)) throw error;
      // The same request may have won the race for the cart, or this one's commit may have happened unanswered.
      const order = await placedBefore(request, scope, hash);
      if (order !== undefined) return { order, repeated: true };
      throw isSpentCart(error) ? cartAlreadyOrdered() : error;
    }
  }

  async function decided(order: Order, waitMs: number, call: HandlerContext): Promise<Order> {
    const until = clock.monotonicMs() + waitMs;
    let latest = order;
    while (!isDecided(latest.status) && !call.signal.aborted) {
      const left = until - clock.monotonicMs();
      if (left <= 0) break;
      await deps.outcomes.wait(order.id, Math.min(left, LOOK_AGAIN_MS), call.signal);
      latest = (await loadOrders(db, [order.id])).get(order.id) ?? latest;
    }
    return latest;
  }

  return async (request: PlaceOrderRequest, call: HandlerContext) => {
    checkPlaceOrder(request);
    const { order, repeated } = await placeOnce(request, call);
    const latest = await decided(order, request.waitMs, call);
    context.metrics.count('orders_accepted_total', 'Orders accepted', {
      repeated: String(repeated),
      signedIn: String(callerOf(call).user !== undefined),
    });
    return { order: writeOrder(latest), accessToken: accessToken(config.accessTokenSecret, order.id), repeated };
  };
}

const isSpentCart = (error: unknown) =>
  sqlState(error) === SqlState.uniqueViolation && violatedConstraint(error) === CART_SPENT;

const mayHaveBeenPlaced = (error: unknown) =>
  isSpentCart(error) || error instanceof CommitUnknownError || reasonOf(error) === 'CART_ALREADY_ORDERED';

const cartAlreadyOrdered = () => failedPrecondition('CART_ALREADY_ORDERED', 'this cart was ordered already');

/** What the customer agrees to, taken from the cart as the server priced it. */
function freeze(cart: Cart | undefined, request: PlaceOrderRequest, { ids, random }: OrdersContext): Purchase {
  if (cart?.totals === undefined) throw new ConnectError('the cart came without totals', Code.Internal);
  const { totals } = cart;
  const purchase: Purchase = {
    id: ids.uuid(),
    number: orderNumber(random.bytes(10)),
    customerId: cart.customerId,
    cartId: cart.id,
    cartVersion: cart.version,
    lines: cart.lines.map((line) => ({
      sku: line.sku,
      quantity: line.quantity,
      productId: line.productId,
      productName: line.productName,
      variantName: line.variantName,
      unitPrice: amount(line.unitPrice),
      lineTotal: amount(line.lineTotal),
      priceVersion: line.priceVersion,
    })),
    totals: {
      subtotal: amount(totals.subtotal),
      shipping: amount(totals.shipping),
      tax: amount(totals.tax),
      total: amount(totals.total),
    },
    shippingMethodId: cart.shippingMethodId,
    paymentMethodId: request.paymentMethodId,
  };
  const problem = purchaseProblem(purchase);
  if (problem !== undefined) throw new Error(`the cart cannot be ordered: ${problem}`);
  checkExpected(request, purchase);
  return purchase;
}

function checkExpected({ expectedTotal }: PlaceOrderRequest, { totals: { total } }: Purchase): void {
  if (expectedTotal === undefined) return;
  if (expectedTotal.currency === total.currency && expectedTotal.minor === total.minor) return;
  throw failedPrecondition('PRICE_CHANGED', 'the total is not the expected one', {
    currency: total.currency,
    totalMinor: String(total.minor),
  });
}

const amount = (money: Money | undefined) => ({ currency: money?.currency ?? '', minor: money?.minor ?? 0n });

function checkoutData(order: Order, request: PlaceOrderRequest, holdSeconds: number): CheckoutData {
  return {
    orderId: order.id,
    lines: order.lines.map(({ sku, quantity }) => ({ sku, quantity })),
    holdSeconds,
    currency: order.totals.total.currency,
    totalMinor: String(order.totals.total.minor),
    paymentMethodId: request.paymentMethodId,
    paymentToken: request.paymentToken,
    shippingMethodId: order.shippingMethodId,
  };
}
