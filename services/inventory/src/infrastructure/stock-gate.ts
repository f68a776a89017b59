// The gate in front of stock: the first statement of every transaction that changes stock or reservations.
//
// Within one statement rows can be locked in order, but a consumer's transaction runs several handlers, one after the
// other: a reserve locks SKU 7, then a release SKU 2, while a receipt that holds SKU 2 waits for SKU 7. No order of
// rows prevents that, so each consumer passes the gate alone, and everybody else, who locks stock once and sorted,
// passes it together. It costs nothing that a hot SKU's row lock would not cost anyway: a consumer is one transaction
// at a time by design. README, "Lock order", has the whole argument.
import type { Tx } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';

// The pair of numbers is arbitrary. Two-key advisory locks never meet the one-key ones that others take.

/** For consumers: waits until nobody else changes stock, and keeps everybody out until this transaction ends. */
export async function closeGate(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock(5706, 1)`);
}

/** For jobs and RPCs that lock stock rows once, in the order of SKUs: keeps only consumers out. */
export async function passGate(tx: Tx): Promise<void> {
  await tx.run(sql`select pg_advisory_xact_lock_shared(5706, 1)`);
}
