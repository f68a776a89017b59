// I18: every order costs what its lines and its shipping cost, and the tax in it is the one that arithmetic on whole
// minor units gives.
import { fromBinary } from '@bufbuild/protobuf';
import { OrderSchema } from '@stoa/proto/stoa/orders/v1/order_pb';
import type { Store } from '../ports/store.ts';

const TAX_BASIS_POINTS = 1900n;
const SHIPPING = new Map([
  ['standard', 490n],
  ['express', 990n],
]);

/** Tax contained in a gross amount, rounded half up, without a fraction anywhere. */
const taxIn = (gross: bigint) => {
  const whole = 10_000n + TAX_BASIS_POINTS;
  return (2n * gross * TAX_BASIS_POINTS + whole) / (2n * whole);
};

export function checkPrices(store: Store, skus: readonly { readonly sku: string; readonly minor: bigint }[]): string[] {
  const priceOf = new Map(skus.map(({ sku, minor }) => [sku, minor]));
  const { rows } = store.query('orders', 'select id, total_minor, state from orders.orders');
  return rows.flatMap(({ id, total_minor, state }) => {
    const order = fromBinary(OrderSchema, state as Uint8Array);
    const lines = order.lines.map(({ sku, quantity }) => (priceOf.get(sku) ?? -1n) * BigInt(quantity));
    const shipping = SHIPPING.get(order.shippingMethodId) ?? -1n;
    const subtotal = lines.reduce((sum, line) => sum + line, 0n);
    const tax = [...lines, shipping].reduce((sum, gross) => sum + taxIn(gross), 0n);
    const expected = { subtotal, shipping, tax, total: subtotal + shipping };
    const { totals } = order;
    const wrong = Object.entries(expected)
      .filter(([name, minor]) => totals?.[name as keyof typeof expected]?.minor !== minor)
      .map(([name, minor]) => `${name} ${totals?.[name as keyof typeof expected]?.minor} instead of ${minor}`);
    if (total_minor !== expected.total) wrong.push(`stored total ${total_minor}`);
    return wrong.length === 0 ? [] : [`I18: order ${id}: ${wrong.join(', ')}`];
  });
}
