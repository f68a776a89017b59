// The purchase in a cart: what the customer agrees to, as the server priced it.
import type { HandlerContext } from '@connectrpc/connect';
import { callerOf } from '@stoa/chassis/rpc/caller';
import { failedPrecondition } from '@stoa/chassis/rpc/errors';
import type { Cart, CartTotals } from '@stoa/proto/stoa/cart/v1/cart_pb';
import type { Money } from '@stoa/proto/stoa/common/v1/money_pb';
import type { PlaceOrderRequest } from '@stoa/proto/stoa/orders/v1/orders_pb';
import type { OrdersContext } from '../context.ts';
import { type Amount, type Order, orderNumber, type Purchase, purchaseProblem } from '../domain/order.ts';
import type { CheckoutData } from '../saga/checkout.ts';

/** Throws PRICE_CHANGED when it does not cost what the request expects, and an error when it does not add up. */
export function readPurchase(
  cart: Cart,
  request: PlaceOrderRequest,
  call: HandlerContext,
  { ids, random }: OrdersContext,
): Purchase {
  const purchase: Purchase = {
    id: ids.uuid(),
    number: orderNumber(random.bytes(10)),
    customerId: cart.customerId || signedInCustomer(call),
    cartId: cart.id,
    cartVersion: cart.version,
    lines: cart.lines.map((line) => ({
      sku: line.sku,
      quantity: line.quantity,
      productId: line.productId,
      productName: line.productName,
      variantName: line.variantName,
      unitPrice: readAmount(line.unitPrice),
      lineTotal: readAmount(line.lineTotal),
      priceVersion: line.priceVersion,
    })),
    totals: readTotals(cart.totals),
    shippingMethodId: cart.shippingMethodId,
    paymentMethodId: request.paymentMethodId,
  };
  const problem = purchaseProblem(purchase);
  if (problem !== undefined) throw new Error(`the cart cannot be ordered: ${problem}`);
  checkExpected(request, purchase);
  return purchase;
}

/** A customer may have filled the cart as a guest and signed in without claiming it: the order is theirs all the same. */
function signedInCustomer(call: HandlerContext): string {
  const { user } = callerOf(call);
  return user?.role === 'customer' ? user.id : '';
}

function readTotals(totals: CartTotals | undefined): Purchase['totals'] {
  return {
    subtotal: readAmount(totals?.subtotal),
    shipping: readAmount(totals?.shipping),
    tax: readAmount(totals?.tax),
    total: readAmount(totals?.total),
  };
}

function readAmount(money: Money | undefined): Amount {
  if (money === undefined) throw new Error('the cart lacks a price');
  return { currency: money.currency, minor: money.minor };
}

function checkExpected({ expectedTotal }: PlaceOrderRequest, { totals: { total } }: Purchase): void {
  if (expectedTotal === undefined) return;
  if (expectedTotal.currency === total.currency && expectedTotal.minor === total.minor) return;
  throw failedPrecondition('PRICE_CHANGED', 'the total is not the expected one', {
    currency: total.currency,
    totalMinor: String(total.minor),
  });
}

/** What the saga needs of the order and of the request. */
export function checkoutData(
  order: Order,
  request: PlaceOrderRequest,
  { holdSeconds, paymentActionSeconds }: OrdersContext['config'],
): CheckoutData {
  return {
    orderId: order.id,
    lines: order.lines.map(({ sku, quantity }) => ({ sku, quantity })),
    holdSeconds,
    currency: order.totals.total.currency,
    totalMinor: String(order.totals.total.minor),
    paymentMethodId: request.paymentMethodId,
    paymentToken: request.paymentToken,
    shippingMethodId: order.shippingMethodId,
    paymentActionSeconds,
  };
}
