// Who gets what: walks the orders of a batch in the order in which they came and gives each all of its lines or
// nothing. First come, first served; an order that cannot be served takes nothing and so never stands in the way of a
// later, smaller one. Pure: the caller locks the levels before and stores the outcome after.
import { availableOf, type Line, type StockLevel, sumLines } from './stock.ts';

export interface Demand {
  readonly orderId: string;
  readonly lines: readonly Line[];
}

export type Refusal = 'UNKNOWN_SKU' | 'INSUFFICIENT_STOCK';

export type Allocation =
  | { readonly kind: 'held'; readonly orderId: string; readonly lines: readonly Line[] }
  | { readonly kind: 'refused'; readonly orderId: string; readonly reason: Refusal; readonly skus: readonly string[] };

/** One answer for each demand, in the same order. The SKUs of a refusal are those that stood in the way, sorted. */
export function allocate(levels: ReadonlyMap<string, StockLevel>, demands: readonly Demand[]): Allocation[] {
  const left = new Map([...levels].map(([sku, level]) => [sku, availableOf(level)]));
  return demands.map(({ orderId, lines: wanted }) => {
    const lines = sumLines(wanted);
    const unknown = lines.filter(({ sku }) => !left.has(sku));
    if (unknown.length > 0) return refused(orderId, 'UNKNOWN_SKU', unknown);
    const short = lines.filter(({ sku, quantity }) => (left.get(sku) ?? 0n) < quantity);
    if (short.length > 0) return refused(orderId, 'INSUFFICIENT_STOCK', short);
    for (const { sku, quantity } of lines) left.set(sku, (left.get(sku) ?? 0n) - quantity);
    return { kind: 'held', orderId, lines };
  });
}

function refused(orderId: string, reason: Refusal, lines: readonly Line[]): Allocation {
  return { kind: 'refused', orderId, reason, skus: lines.map((line) => line.sku) };
}
