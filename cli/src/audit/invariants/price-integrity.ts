// I18: the customer pays what was agreed. Each order adds up, its row, its saga and its payment name the same amount,
// and its prices are the catalog's at the version that was quoted.

import type { Order } from '@stoa/orders/domain/order';
import { purchaseProblem } from '@stoa/orders/domain/order';
import { decodeOrder } from '@stoa/orders/infrastructure/order-message';
import type { CheckoutData } from '@stoa/orders/saga/checkout';
import { collect, type Invariant } from '../invariant.ts';
import type { Look } from '../look.ts';
import { batches, type Keyed, mergeByKey } from '../stream.ts';

export interface OrderRow extends Keyed {
  readonly total: bigint;
  readonly currency: string;
  readonly state: Buffer;
  readonly data: CheckoutData | null;
}

export interface PaymentRow extends Keyed {
  readonly amount: bigint;
  readonly currency: string;
}

export interface Price {
  readonly sku: string;
  readonly version: number;
  readonly minor: bigint;
  readonly currency: string;
}

const ORDERS = `
  select o.id as key, o.total_minor as total, o.currency, o.state, s.data
  from orders o left join saga s on s.saga_id = o.id order by o.id`;
/** A tombstone was never asked for an amount. */
const PAYMENTS = `
  select order_id as key, amount_minor as amount, currency from payment where currency <> '' order by order_id`;
const PRICES = `select sku, price_version as version, price_minor as minor, currency from variants`;

export const priceIntegrity: Invariant = {
  id: 'I18',
  title: 'prices and totals agree',
  needs: ['orders', 'payments', 'catalog'],
  async check(look) {
    const found = collect();
    const prices = await readPrices(look);
    let orders = 0;
    let lines = 0;
    await mergeByKey<[OrderRow, PaymentRow]>(
      [batches(look.at('orders'), ORDERS), batches(look.at('payments'), PAYMENTS)],
      (id, [row], [payment]) => {
        if (row === undefined) return;
        orders++;
        const { text, count } = priceProblem(row, payment, prices);
        lines += count;
        if (text !== undefined) found.add({ key: `order ${id}`, text });
      },
    );
    return found.outcome([orders, 'orders'], [lines, 'lines']);
  },
};

async function readPrices(look: Look): Promise<Map<string, Price>> {
  const prices = new Map<string, Price>();
  for await (const rows of batches<Price>(look.at('catalog'), PRICES)) {
    for (const price of rows) prices.set(price.sku, price);
  }
  return prices;
}

/** What is wrong with the price of an order, if anything, and how many lines it has. */
export function priceProblem(
  row: OrderRow,
  payment: PaymentRow | undefined,
  prices: ReadonlyMap<string, Price>,
): { readonly text: string | undefined; readonly count: number } {
  try {
    const order = decodeOrder(row.state);
    return { text: problemOf(order, row, payment, prices), count: order.lines.length };
  } catch (error) {
    return { text: `its state cannot be read: ${(error as Error).message}`, count: 0 };
  }
}

function problemOf(
  order: Order,
  { total, currency, data }: OrderRow,
  payment: PaymentRow | undefined,
  prices: ReadonlyMap<string, Price>,
): string | undefined {
  const problem = purchaseProblem(order);
  if (problem !== undefined) return problem;
  const agreed = order.totals.total;
  const differs = (minor: bigint, other: string) => minor !== agreed.minor || other !== agreed.currency;
  if (differs(total, currency)) return `the row says ${total} ${currency}, agreed were ${agreed.minor}`;
  if (data !== null && differs(BigInt(data.totalMinor), data.currency)) {
    return `the saga asks for ${data.totalMinor} ${data.currency}, agreed were ${agreed.minor}`;
  }
  if (data !== null && !sameLines(order, data)) return 'the saga reserves other lines than were agreed';
  if (payment !== undefined && differs(payment.amount, payment.currency)) {
    return `the payment is over ${payment.amount} ${payment.currency}, agreed were ${agreed.minor}`;
  }
  if (order.totals.tax.minor < 0n || order.totals.tax.minor > agreed.minor) return 'the tax exceeds the total';
  const wrong = order.lines.find(({ sku, unitPrice, priceVersion }) => {
    const price = prices.get(sku);
    // An older version's price is not kept anywhere.
    if (price === undefined || price.version !== priceVersion) return false;
    return price.minor !== unitPrice.minor || price.currency !== unitPrice.currency;
  });
  return wrong && `${wrong.sku} was sold at ${wrong.unitPrice.minor}, which was not its price`;
}

function sameLines(order: Order, { lines }: CheckoutData): boolean {
  return (
    lines.length === order.lines.length &&
    lines.every(({ sku, quantity }, n) => sku === order.lines[n]?.sku && quantity === order.lines[n]?.quantity)
  );
}
