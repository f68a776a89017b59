// Everything at random moments: kills of any process, and storms between them.
import type { Arena } from '../arena.ts';
import type { Fault } from '../fault.ts';
import { randomly, seconds, signal } from '../tools.ts';
import { clocks } from './clocks.ts';
import { freezes } from './freezes.ts';
import { stores } from './stores.ts';

const named = (id: string): Fault => [...freezes, ...stores, ...clocks].find((fault) => fault.id === id) as Fault;
/** In this order, spread over the time. */
const STORMS = ['F9', 'F16d', 'F23a', 'F13', 'F9', 'F23b', 'F16c', 'F7 inventory 5s'];

async function killAtRandom(arena: Arena, minutes: number, loose: Promise<unknown>[]): Promise<void> {
  const draw = randomly(`R ${minutes}min`);
  const services = arena.services();
  const began = Date.now();
  const storms = STORMS.filter((id) => arena.clock !== undefined || named(id).needs !== 'clock');
  const count = storms.length;
  while (Date.now() - began < minutes * 60_000) {
    await seconds(1 + draw.below(80) / 10);
    const isStormDue = Date.now() - began > (minutes * 60_000 * (count - storms.length + 1)) / (count + 1);
    const storm = isStormDue ? storms.shift() : undefined;
    if (storm !== undefined) await named(storm).inject(arena, loose);
    else if (draw.chance(10)) signal(await arena.natsPid(), 'SIGKILL');
    else signal(await arena.pidOf(draw.pick(services)), 'SIGKILL');
  }
}

const random = (minutes: number): Fault => ({
  id: `R ${minutes}min`,
  title: `kills of random processes for ${minutes} minutes, the broker’s storage deleted twice, the database frozen and killed, a clock that jumps`,
  expectation: 'users wait; every accepted order ends all the same',
  long: true,
  likes: 'clock',
  recoversWithinS: 60,
  inject: (arena, loose) => killAtRandom(arena, minutes, loose),
});

export const randomKills: readonly Fault[] = [random(3), random(10)];
