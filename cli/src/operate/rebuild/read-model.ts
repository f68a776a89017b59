// A read model that can be rebuilt beside the live one: which table it is, and how its rows follow from events.
import { createHash } from 'node:crypto';
import type { Queryable, Tx } from '@stoa/chassis/postgres/database';
import type { SqlValue, Statement } from '@stoa/chassis/postgres/sql';
import type { ShopData } from '../shop-data.ts';

/** Name of the temporary table that a read model is rebuilt in. */
export const SHADOW = 'rebuilt';

export interface Built {
  /** Events that were replayed. */
  readonly events: number;
  /** Up to where, in words. */
  readonly upTo: string;
  /** Live rows that were kept because their events are past retention. */
  readonly kept: number;
}

export interface ReadModel {
  readonly name: string;
  readonly database: string;
  readonly table: string;
  readonly key: string;
  readonly keyType: 'text' | 'uuid';
  /** Every other column. */
  readonly columns: readonly string[];
  /** Whether live rows that no event explains are deleted; otherwise they are only shown. */
  readonly deletesExtra: boolean;
  /** Fills the shadow table, as of the snapshot that `tx` reads. */
  build(tx: Tx, data: ShopData): Promise<Built>;
  /**
   * Keeps the live rows of these keys from changing until the transaction ends, and builds their shadow rows again as of
   * now: events have flowed since the comparison.
   */
  renew(tx: Tx, data: ShopData, keys: readonly string[]): Promise<void>;
  /** Derives again what follows from the rows of these keys; returns what it did, in words. */
  derive?(tx: Tx, keys: readonly string[]): Promise<string>;
}

/** A statement with identifiers in its text: those of this folder, never a user's. */
export function statement<Row = never>(text: string, ...values: readonly SqlValue[]): Statement<Row> {
  return { name: createHash('sha1').update(text).digest('base64url').slice(0, 16), text, values };
}

export async function clearShadow(tx: Queryable): Promise<void> {
  await tx.run(statement(`delete from ${SHADOW}`));
}
