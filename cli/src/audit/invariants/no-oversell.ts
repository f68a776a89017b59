// I1: nothing was sold that was never there.
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Invariant } from '../invariant.ts';
import type { Look } from '../look.ts';

interface Level {
  readonly sku: string;
  readonly known: boolean;
  readonly on_hand: bigint;
  readonly reserved: bigint;
  readonly booked: bigint;
  readonly received: bigint;
}

export const noOversell: Invariant = {
  id: 'I1',
  title: 'nothing is oversold',
  needs: ['orders', 'inventory'],
  isShopWide: true,
  async check(look) {
    const found = collect();
    const [levels, sold] = await Promise.all([readLevels(look), readSold(look)]);
    for (const { sku, known, on_hand, reserved, booked } of levels) {
      if (!known) found.add({ key: `sku ${sku}`, text: 'goods were received, but there is no stock row' });
      else if (on_hand !== booked) {
        found.add({ key: `sku ${sku}`, text: `${on_hand} on hand, but the receipts add up to ${booked}` });
      } else if (reserved < 0n || reserved > on_hand) {
        found.add({ key: `sku ${sku}`, text: `${reserved} promised of ${on_hand} on hand` });
      }
    }
    const received = new Map(levels.map((level) => [level.sku, level.received]));
    let units = 0n;
    for (const { sku, quantity } of sold) {
      units += quantity;
      const there = received.get(sku) ?? 0n;
      if (quantity > there) found.add({ key: `sku ${sku}`, text: `${quantity} sold, but only ${there} ever received` });
    }
    return found.outcome([levels.length, 'SKUs'], [units, 'units sold']);
  },
};

function readLevels(look: Look): Promise<Level[]> {
  return look.at('inventory').rows(sql<Level>`
    select coalesce(s.sku, r.sku) as sku, s.sku is not null as known, coalesce(s.on_hand, 0) as on_hand,
      coalesce(s.reserved, 0) as reserved, coalesce(r.booked, 0) as booked, coalesce(r.received, 0) as received
    from stock s full join (
      select sku, sum(quantity)::bigint as booked, sum(quantity) filter (where quantity > 0)::bigint as received
      from stock_receipt_line group by sku) r on r.sku = s.sku`);
}

/** From what the saga was asked to reserve; I18 checks that it equals what the customer agreed to. */
function readSold(look: Look): Promise<{ sku: string; quantity: bigint }[]> {
  return look.at('orders').rows(sql<{ sku: string; quantity: bigint }>`
    select l.sku, sum(l.quantity)::bigint as quantity
    from orders o join saga s on s.saga_id = o.id
      cross join lateral jsonb_to_recordset(s.data->'lines') as l (sku text, quantity bigint)
    where o.status = 'CONFIRMED' group by l.sku`);
}
