// I3: what is counted as reserved of each SKU is what reservations hold of it.
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Invariant } from '../invariant.ts';

interface Row {
  readonly sku: string;
  readonly reserved: bigint;
  readonly held: bigint;
}

export const reservedUnits: Invariant = {
  id: 'I3',
  title: 'reservations add up to the stock reserved',
  needs: ['inventory'],
  isShopWide: true,
  async check(look) {
    const found = collect();
    const rows = await look.at('inventory').rows(sql<Row>`
      select s.sku, s.reserved, coalesce(h.held, 0) as held
      from stock s left join (
        select l.sku, sum(l.quantity)::bigint as held
        from reservation r join reservation_line l on l.order_id = r.order_id
        where r.state in ('HELD', 'COMMITTED') group by l.sku) h on h.sku = s.sku`);
    let units = 0n;
    for (const { sku, reserved, held } of rows) {
      units += held;
      if (reserved !== held) found.add({ key: `sku ${sku}`, text: `${reserved} reserved, reservations hold ${held}` });
    }
    return found.outcome([rows.length, 'SKUs'], [units, 'units reserved']);
  },
};
