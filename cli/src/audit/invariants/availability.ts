// I16b: what the catalog shows as available is what inventory has, at the same version; and what the catalog derives
// from it for variants, products and listings follows from it.
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Invariant } from '../invariant.ts';
import type { Look } from '../look.ts';
import { batches, type Keyed, mergeByKey } from '../stream.ts';

interface Level extends Keyed {
  readonly available: bigint;
  readonly version: bigint;
}

const STOCK = `select sku collate "C" as key, on_hand - reserved as available, version from stock order by 1`;
const SHOWN = `select sku collate "C" as key, available, version from sku_availability order by 1`;
const CONSUMER = 'catalog.availability';

export const availability: Invariant = {
  id: 'I16b',
  title: 'the catalog shows inventory’s stock',
  needs: ['inventory', 'catalog'],
  isShopWide: true,
  async check(look) {
    const found = collect();
    let skus = 0;
    await mergeByKey<[Level, Level]>(
      [batches(look.at('inventory'), STOCK), batches(look.at('catalog'), SHOWN)],
      (sku, [stock], [shown]) => {
        skus++;
        const text = difference(stock, shown);
        if (text === undefined) return;
        // Equal versions with different numbers are never on their way.
        const isWaiting = look.isBehind(CONSUMER) && stock?.version !== shown?.version;
        found.add({ key: `sku ${sku}`, text, isWaiting });
      },
    );
    const variants = await findUnderived(look, found);
    return found.outcome([skus, 'SKUs'], [variants, 'variants']);
  },
};

function difference(stock: Level | undefined, shown: Level | undefined): string | undefined {
  if (stock === undefined) return `shown at version ${shown?.version}, inventory does not know it`;
  // Made known with nothing in stock, and never changed since: nothing was ever told of it.
  if (shown === undefined) return stock.version === 0n ? undefined : `version ${stock.version} is not shown`;
  if (stock.version !== shown.version) return `version ${shown.version} is shown, inventory is at ${stock.version}`;
  return stock.available === shown.available ? undefined : `${shown.available} shown, ${stock.available} available`;
}

interface Underived {
  readonly what: string;
  readonly name: string;
}

/** One database, one snapshot: nothing is excused. */
async function findUnderived(look: Look, found: ReturnType<typeof collect>): Promise<bigint> {
  const catalog = look.at('catalog');
  const rows = await catalog.rows(sql<Underived>`
    select 'variant' as what, v.sku as name from variants v left join sku_availability a on a.sku = v.sku
    where v.availability <> case when v.listed then stock_band(a.available) else 1 end
    union all
    select 'product', p.id::text from products p left join (
      select product_id, max(availability) as band from variants where listed group by product_id) b on b.product_id = p.id
    where p.availability <> coalesce(b.band, 1)
    union all
    select distinct 'listing of product', p.id::text
    from product_listings l join products p on p.id = l.product_id where l.in_stock <> (p.availability > 1)`);
  for (const { what, name } of rows)
    found.add({ key: `${what} ${name}`, text: 'its band does not follow from the stock' });
  const { count } = await catalog.one(sql<{ count: bigint }>`select count(*) from variants`);
  return count;
}
