// Rebuilds a read model beside the live one, compares, and puts right what differs, while events flow.
//
// 1. Build and compare in one snapshot: the live rows and the events (or the watermark) that they follow from are seen
//    at the same moment, so an undamaged read model compares equal however busy the shop is. Nothing is locked.
// 2. Swap in one transaction: the keys that differ are kept from changing, built once more as of now, and replaced. So
//    the consumer's watermark stands where the rows stand, before and after. Rows are replaced instead of tables: grants,
//    indexes and what refers to them stay, and readers see one or the other.
//
// The shadow is a temporary table of this session: a rebuild that is interrupted leaves nothing behind.
import type { Tx } from '@stoa/chassis/postgres/database';
import { recordAction, type Warrant } from '../actions.ts';
import type { ShopData } from '../shop-data.ts';
import { type Built, clearShadow, type ReadModel, SHADOW, statement } from './read-model.ts';

export interface Difference {
  readonly key: string;
  /** missing: no live row; extra: no event explains it; different: both, but not the same. */
  readonly kind: 'missing' | 'extra' | 'different';
  /** Columns that differ, with the live value and the rebuilt one. */
  readonly columns: Readonly<Record<string, readonly [live: string | null, rebuilt: string | null]>>;
}

export interface Side {
  readonly rows: number;
  /** The same for the same rows in any order. */
  readonly hash: string;
}

export interface Comparison {
  readonly built: Built;
  readonly live: Side;
  readonly rebuilt: Side;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
  /** The first of them, by key. */
  readonly examples: readonly Difference[];
  /** Every key that differs. */
  readonly keys: readonly string[];
}

export interface Rebuild extends Comparison {
  readonly model: string;
  /** Rows written by the swap; undefined when only compared. */
  readonly swapped: number | undefined;
  readonly derived: string | undefined;
}

const EXAMPLES = 10;

/** Compares; with a warrant it also puts right what differs. */
export async function rebuild(data: ShopData, model: ReadModel, warrant: Warrant | undefined): Promise<Rebuild> {
  const db = data.openAsOwner(model.database);
  try {
    await db.run(statement(`drop table if exists pg_temp.${SHADOW}`));
    await db.run(statement(`create temp table ${SHADOW} (like public.${model.table} including all)`));
    const comparison = await db.transact(
      async (tx) => {
        await clearShadow(tx);
        return compare(tx, model, await model.build(tx, data));
      },
      { snapshot: true },
    );
    if (warrant === undefined) return { model: model.name, ...comparison, swapped: undefined, derived: undefined };
    const swap = await db.transact((tx) => swapIn(tx, data, model, comparison, warrant));
    return { model: model.name, ...comparison, ...swap };
  } finally {
    await db.close();
  }
}

const columnsOf = ({ key, columns }: ReadModel, alias: string) =>
  [key, ...columns].map((column) => `${alias}.${column}`).join(', ');

async function sideOf(tx: Tx, model: ReadModel, table: string): Promise<Side> {
  const { rows, hash } = await tx.one(
    statement<{ rows: bigint; hash: bigint | null }>(
      `select count(*) as rows, bit_xor(hashtextextended(row(${columnsOf(model, 't')})::text, 0)) as hash from ${table} t`,
    ),
  );
  return {
    rows: Number(rows),
    hash: BigInt.asUintN(64, hash ?? 0n)
      .toString(16)
      .padStart(16, '0'),
  };
}

async function compare(tx: Tx, model: ReadModel, built: Built): Promise<Comparison> {
  const { key, columns, table } = model;
  const [live, rebuilt] = [await sideOf(tx, model, `public.${table}`), await sideOf(tx, model, SHADOW)];
  const pair = (column: string) => `jsonb_build_array(l.${column}::text, r.${column}::text)`;
  const changed = columns.map(
    (column) =>
      `case when l.${column} is distinct from r.${column} then jsonb_build_object('${column}', ${pair(column)}) else '{}' end`,
  );
  const found = await tx.rows(
    statement<Difference>(
      `select coalesce(l.${key}, r.${key})::text as key,
         case when l.${key} is null then 'missing' when r.${key} is null then 'extra' else 'different' end as kind,
         ${changed.join(' || ')} as columns
       from public.${table} l full join ${SHADOW} r on r.${key} = l.${key}
       where l.${key} is null or r.${key} is null
         or (${columnsOf(model, 'l')}) is distinct from (${columnsOf(model, 'r')})
       order by 1`,
    ),
  );
  const count = (kind: Difference['kind']) => found.filter((difference) => difference.kind === kind).length;
  return {
    built,
    live,
    rebuilt,
    missing: count('missing'),
    extra: count('extra'),
    different: count('different'),
    examples: found.slice(0, EXAMPLES),
    keys: found.map((difference) => difference.key),
  };
}

async function swapIn(
  tx: Tx,
  data: ShopData,
  model: ReadModel,
  { keys, missing, extra, different }: Comparison,
  warrant: Warrant,
) {
  await clearShadow(tx);
  await model.renew(tx, data, keys);
  const { key, keyType, columns, table, deletesExtra } = model;
  const assign = columns.map((column) => `${column} = excluded.${column}`).join(', ');
  let swapped = await tx.run(
    statement(
      `insert into public.${table} as l (${key}, ${columns.join(', ')}) select ${columnsOf(model, 'r')} from ${SHADOW} r
       on conflict (${key}) do update set ${assign}
       where (${columnsOf(model, 'l')}) is distinct from (${columnsOf(model, 'excluded')})`,
    ),
  );
  if (deletesExtra) {
    swapped += await tx.run(
      statement(
        `delete from public.${table} l where l.${key} = any($1::${keyType}[])
           and not exists (select from ${SHADOW} r where r.${key} = l.${key})`,
        keys,
      ),
    );
  }
  const derived = await model.derive?.(tx, keys);
  const details = { missing, extra, different, swapped, derived: derived ?? '' };
  await recordAction(tx, data, { ...warrant, action: 'rebuild', target: model.name, details });
  return { swapped, derived };
}
