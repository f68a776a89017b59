// How long until the shop answers, and what it holds in memory: first start, warm starts, one process and split.
import { setTimeout as sleep } from 'node:timers/promises';
import { residentMb } from '../lib/cpu.ts';
import type { BenchOptions } from '../lib/options.ts';
import type { Table } from '../lib/report.ts';
import { newHome, openShop, removeHome } from '../lib/shop.ts';
import { brief, median, spread } from '../lib/stats.ts';

/** Idle means: seeded, caught up, and nobody asked for anything for so long. */
const SETTLE_MS = 5000;

export async function start({ rounds }: BenchOptions): Promise<Table[]> {
  const rows = [];
  for (const split of [false, true]) {
    const home = newHome();
    const first = await openShop({ split, home });
    await first.stop();
    const warm: number[] = [];
    const memory = { node: [] as number[], postgres: [] as number[], nats: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      const shop = await openShop({ split, home });
      warm.push(shop.startMs / 1000);
      await sleep(SETTLE_MS);
      for (const kind of ['node', 'postgres', 'nats'] as const) memory[kind].push(residentMb(shop.pid, kind));
      await shop.stop();
    }
    await removeHome(home);
    rows.push({
      shop: split ? 'a process for each service' : 'one process',
      'first start s': brief(first.startMs / 1000),
      'warm start s': spread(warm),
      'Node RSS MB': spread(memory.node),
      'NATS RSS MB': brief(median(memory.nats)),
      'PostgreSQL RSS MB (shared counted for each)': brief(median(memory.postgres)),
    });
  }
  const notes = [
    'From the process to "ready": servers up, databases migrated, shop seeded (or found seeded), first answer possible.',
    'The first start makes the database cluster and fills the shop as well. RSS after 5 idle seconds.',
  ];
  return [{ title: 'Start-up and memory', rows, notes }];
}
