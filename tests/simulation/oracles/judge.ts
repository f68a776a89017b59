// The verdict over a settled world: the invariants of reliability.md that its data can show, and what the clients heard.
import type { Shop } from '../world/shop.ts';
import type { World } from '../world/world.ts';
import { CHECKS, cursors } from './checks.ts';
import { checkHistory } from './clients.ts';
import { holds, timers } from './order-checks.ts';
import { checkPurchases } from './purchases.ts';

const SHOWN_MAX = 3;
/** Said at level error, and right under faults: the loop is started again. */
const EXPECTED_ERRORS =
  /background work failed; starting it again .*(Connection terminated|ECONNREFUSED)|provider differ: .* reason=LATE_/;

export function judge(world: World, shop: Shop): string[] {
  const { store } = world.server;
  const broken: string[] = [];
  for (const { invariant, says, sql } of [...CHECKS, timers(world.options), holds(world.options)]) {
    const { rows } = store.query('orders', sql);
    if (rows.length === 0) continue;
    const shown = rows
      .slice(0, SHOWN_MAX)
      .map((row) => JSON.stringify(row, (_k, v) => (typeof v === 'bigint' ? Number(v) : v)));
    broken.push(`${invariant}: ${says}: ${rows.length} (${shown.join(', ')})`);
  }
  broken.push(...cursors(store, (topic, sequence) => world.broker.hasStored(topic, sequence)));
  broken.push(...checkPurchases(store, shop), ...checkHistory(world.server, shop.history));
  broken.push(...world.log.errors.filter((line) => !EXPECTED_ERRORS.test(line)).map((line) => `log: ${line}`));
  return broken;
}
