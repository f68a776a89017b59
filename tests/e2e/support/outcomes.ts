// What became of orders while their shop was disturbed.

import { expect } from 'vitest';
import { contradiction } from '../../../cli/src/demo/demo.ts';
import type { Card } from '../../../cli/src/demo/plan.ts';
import type { Order } from '../../../cli/src/demo/storefront.ts';
import { eventually } from './eventually.ts';
import type { Shop } from './shop.ts';

type Row = Pick<Order, 'id' | 'status'> & { readonly reason: string; readonly state: string };

const OUTCOMES = `select o.id, o.status, g.reason, g.state from orders o join saga g on g.saga_id = o.id
  where o.id = any($1::uuid[])`;

/**
 * Waits until each order has come to its end, and that is one that its card can lead to. Not always the best of them: a
 * restart may outlast the time that a step has, and then the order is rejected for that.
 */
export async function allEnded(shop: Shop, cards: ReadonlyMap<string, Card>): Promise<void> {
  const rows = await eventually(async () => {
    const found = await shop.rows<Row>('orders', OUTCOMES, [[...cards.keys()]]);
    expect(found).toHaveLength(cards.size);
    expect(found.filter(({ state }) => state !== 'COMPLETED' && state !== 'COMPENSATED')).toEqual([]);
    return found;
  });
  const wrong = rows.flatMap(({ id, status, reason }) => {
    const problem = contradiction({ status, reason }, cards.get(id) as Card);
    return problem === undefined ? [] : [`${id}: ${problem}`];
  });
  expect(wrong).toEqual([]);
  expect(rows.filter(({ status }) => status === 'CONFIRMED')).not.toEqual([]);
}
