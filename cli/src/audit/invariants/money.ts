// What an order is due, and what was moved for it: shared by the checks of our books and of the provider's.
import type { Keyed } from '../stream.ts';

export interface Movement extends Keyed {
  readonly captured: bigint;
  readonly refunded: bigint;
}

export interface OrderRow extends Keyed {
  readonly status: string;
  readonly total: bigint;
}

export const ORDERS = 'select id as key, status, total_minor as total from orders order by id';

/** What is to be kept of an order. */
export const due = (order: OrderRow | undefined) => (order?.status === 'CONFIRMED' ? order.total : 0n);

export const kept = (movement: Movement | undefined) =>
  movement === undefined ? 0n : movement.captured - movement.refunded;
