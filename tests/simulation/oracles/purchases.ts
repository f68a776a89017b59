// I18: every order costs what its lines and its shipping cost, and the tax in it is the one that arithmetic on whole
// minor units gives; and what is kept back and sent for it is what was ordered.
import { fromBinary } from '@bufbuild/protobuf';
import { type Order, OrderSchema } from '@stoa/proto/stoa/orders/v1/order_pb';
import type { Store } from '../ports/store.ts';
import type { Shop } from '../world/shop.ts';
import type { Article } from '../world/shopkeeper.ts';

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

/** Prices by "sku version", as the catalog has stored them; a violation for each that nobody has ever asked for. */
function readPrices(store: Store, articles: readonly Article[]) {
  const { rows } = store.query('orders', 'select sku, version, minor from watched.price');
  const asked = new Map(articles.map(({ sku, prices }) => [sku, prices]));
  return {
    priceOf: new Map(rows.map(({ sku, version, minor }) => [`${sku} ${version}`, minor as bigint])),
    invented: rows
      .filter(({ sku, minor }) => asked.get(sku as string)?.includes(minor as bigint) !== true)
      .map(({ sku, minor }) => `I18: ${sku} costs ${minor}, which nobody asked for`),
  };
}

export function checkPurchases(store: Store, { articles, history }: Pick<Shop, 'articles' | 'history'>): string[] {
  const { priceOf, invented } = readPrices(store, articles);
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
  const wrongOrders = orders.flatMap(({ id, total_minor, state }) => {
    const order = fromBinary(OrderSchema, state);
    const wrong = [
      ...wrongTotals(order, total_minor, priceOf),
      ...wrongLines(order, history.carts.get(`${order.cartId} ${order.cartVersion}`)),
      ...wrongParts(order, reserved.get(id), methodOf.get(id)),
    ];
    return wrong.length === 0 ? [] : [`I18: order ${id}: ${wrong.join(', ')}`];
  });
  return [...invented, ...wrongOrders];
}

function wrongTotals({ lines, shippingMethodId, totals }: Order, stored: bigint, priceOf: ReadonlyMap<string, bigint>) {
  const gross = lines.map(
    ({ sku, quantity, priceVersion }) => (priceOf.get(`${sku} ${priceVersion}`) ?? -1n) * BigInt(quantity),
  );
  const shipping = SHIPPING.get(shippingMethodId) ?? -1n;
  const subtotal = gross.reduce((sum, line) => sum + line, 0n);
  const tax = [...gross, shipping].reduce((sum, line) => sum + taxIn(line), 0n);
  const expected = { subtotal, shipping, tax, total: subtotal + shipping };
  const wrong = Object.entries(expected)
    .filter(([name, minor]) => totals?.[name as keyof typeof expected]?.minor !== minor)
    .map(([name, minor]) => `${name} ${totals?.[name as keyof typeof expected]?.minor} instead of ${minor}`);
  return stored === expected.total ? wrong : [...wrong, `stored total ${stored}`];
}

/** An order is of one version of its cart; of some versions nobody was told. */
function wrongLines({ lines }: Order, cart: readonly Units[] | undefined): string[] {
  if (cart === undefined || writeUnits(cart) === writeUnits(lines)) return [];
  return [`ordered ${writeUnits(lines)} of a cart with ${writeUnits(cart)}`];
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
