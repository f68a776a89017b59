// A cart as its row, both ways.
import type { Addition, Address, Cart, Line } from '../domain/cart.ts';

/** A line as the document stores it: jsonb numbers would lose digits of a price. */
export interface StoredLine extends Omit<Line, 'unitMinor'> {
  readonly unitMinor: string | null;
}

export interface CartRow {
  readonly id: string;
  readonly version: bigint;
  readonly customer_id: string | null;
  readonly currency: string;
  readonly lines: readonly StoredLine[];
  readonly additions: readonly Addition[];
  readonly email: string | null;
  readonly address: Address | null;
  readonly shipping_method_id: string | null;
  readonly order_id: string | null;
  readonly updated_at: Date;
}

export function toCart(row: CartRow): Cart {
  return {
    id: row.id,
    version: row.version,
    customerId: row.customer_id ?? undefined,
    currency: row.currency,
    lines: toLines(row.lines),
    additions: row.additions,
    email: row.email ?? undefined,
    address: row.address ?? undefined,
    shippingMethodId: row.shipping_method_id ?? undefined,
    orderId: row.order_id ?? undefined,
    updatedAt: row.updated_at,
  };
}

export function toLines(stored: readonly StoredLine[]): Line[] {
  return stored.map((line) => ({
    ...line,
    unitMinor: line.unitMinor === null ? undefined : BigInt(line.unitMinor),
  }));
}

export function linesJson(lines: readonly Line[]): string {
  return JSON.stringify(lines.map((line): StoredLine => ({ ...line, unitMinor: line.unitMinor?.toString() ?? null })));
}

export function addressJson(address: Address | undefined): string | null {
  return address === undefined ? null : JSON.stringify(address);
}
