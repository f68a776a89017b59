// I18: every order costs what its lines and its shipping cost, and the tax in it is the one that arithmetic on whole
// minor units gives; and what is kept back and sent for it is what was ordered.
import { fromBinary } from '@bufbuild/protobuf';
import { type Order, OrderSchema } from '@stoa/proto/stoa/orders/v1/order_pb';
import type { Store } from '../ports/store.ts';

const TAX_BASIS_POINTS = 1900n;
const SHIPPING = new Map([
  ['standard', 490n],
  ['express', 990n],
]);

interface Units {
  readonly sku: string;
  readonly quantity: number | bigint;
}

/** Tax contained in a gross amount, rounded half up, without a fraction anywhere. */
const taxIn = (gross: bigint) => {
  const whole = 10_000n + TAX_BASIS_POINTS;
  return (2n * gross * TAX_BASIS_POINTS + whole) / (2n * whole);
};

/** One text for the same units, in whatever order they come. */
const writeUnits = (list: readonly Units[]) =>
  list
    .map(({ sku, quantity }) => `${quantity} ${sku}`)
    .sort()
    .join(', ');

export function checkPurchases(
  store: Store,
  skus: readonly { readonly sku: string; readonly minor: bigint }[],
): string[] {
  const priceOf = new Map(skus.map(({ sku, minor }) => [sku, minor]));
  const rows = <Row>(sql: string) => store.query('orders', sql).rows as Row[];
  const reserved = Map.groupBy(
    rows<Units & { order_id: string }>('select order_id, sku, quantity from inventory.reservation_line'),
    ({ order_id }) => order_id,
  );
  const shipments = rows<{ order_id: string; method_id: string }>('select order_id, method_id from shipping.shipment');
  const methodOf = new Map(shipments.map(({ order_id, method_id }) => [order_id, method_id]));
  const orders = rows<{ id: string; total_minor: bigint; state: Uint8Array }>(
    'select id, total_minor, state from orders.orders',
  );
  return orders.flatMap(({ id, total_minor, state }) => {
    const order = fromBinary(OrderSchema, state);
    const wrong = [
      ...wrongTotals(order, total_minor, priceOf),
      ...wrongParts(order, reserved.get(id), methodOf.get(id)),
    ];
    return wrong.length === 0 ? [] : [`I18: order ${id}: ${wrong.join(', ')}`];
  });
}

function wrongTotals({ lines, shippingMethodId, totals }: Order, stored: bigint, priceOf: ReadonlyMap<string, bigint>) {
  const gross = lines.map(({ sku, quantity }) => (priceOf.get(sku) ?? -1n) * BigInt(quantity));
  const shipping = SHIPPING.get(shippingMethodId) ?? -1n;
  const subtotal = gross.reduce((sum, line) => sum + line, 0n);
  const tax = [...gross, shipping].reduce((sum, line) => sum + taxIn(line), 0n);
  const expected = { subtotal, shipping, tax, total: subtotal + shipping };
  const wrong = Object.entries(expected)
    .filter(([name, minor]) => totals?.[name as keyof typeof expected]?.minor !== minor)
    .map(([name, minor]) => `${name} ${totals?.[name as keyof typeof expected]?.minor} instead of ${minor}`);
  return stored === expected.total ? wrong : [...wrong, `stored total ${stored}`];
}

/** Refused orders have neither; a reservation without lines was refused or came too late. */
function wrongParts({ lines, shippingMethodId }: Order, reserved: readonly Units[] | undefined, method?: string) {
  const wrong: string[] = [];
  if (reserved !== undefined && writeUnits(reserved) !== writeUnits(lines))
    wrong.push(`reserved ${writeUnits(reserved)} instead of ${writeUnits(lines)}`);
  if (method !== undefined && method !== shippingMethodId)
    wrong.push(`shipped by ${method} instead of ${shippingMethodId}`);
  return wrong;
}
