// Stock and the lines that are booked against it. Units are bigint: they are int64 in the contract and the database.

export interface StockLevel {
  readonly sku: string;
  /** Units in the warehouse. */
  readonly onHand: bigint;
  /** Units promised to orders, never more than `onHand`. */
  readonly reserved: bigint;
  readonly version: bigint;
}

export interface Line {
  readonly sku: string;
  readonly quantity: bigint;
}

export function availableOf(level: StockLevel): bigint {
  return level.onHand - level.reserved;
}

/** By UTF-16 code unit: the same on every machine. Rows are locked in the database's own order. */
const bySku = (a: Line, b: Line) => (a.sku < b.sku ? -1 : a.sku > b.sku ? 1 : 0);

/** Lines of the same SKU added up, in the order of SKUs; lines of nothing left out. */
export function sumLines(lines: Iterable<Line>): Line[] {
  const units = new Map<string, bigint>();
  for (const { sku, quantity } of lines) units.set(sku, (units.get(sku) ?? 0n) + quantity);
  return [...units]
    .map(([sku, quantity]) => ({ sku, quantity }))
    .filter((line) => line.quantity !== 0n)
    .sort(bySku);
}

/** The SKUs of which a receipt would leave less than is promised to orders. */
export function shortfalls(levels: ReadonlyMap<string, StockLevel>, receipt: readonly Line[]): string[] {
  return receipt
    .filter(({ sku, quantity }) => {
      const level = levels.get(sku);
      return (level === undefined ? 0n : availableOf(level)) + quantity < 0n;
    })
    .map((line) => line.sku);
}

/** Whether two receipts book the same, in whatever order. */
export function sameLines(a: readonly Line[], b: readonly Line[]): boolean {
  if (a.length !== b.length) return false;
  const units = new Map(a.map((line) => [line.sku, line.quantity]));
  return b.every((line) => units.get(line.sku) === line.quantity);
}
