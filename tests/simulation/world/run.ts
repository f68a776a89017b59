// Runs one world: start, open the shop under faults, mend, settle, resolve what clients do not know, judge.
import { useTimers } from '../kernel/globals.ts';
import { judge } from '../oracles/judge.ts';
import type { Store } from '../ports/store.ts';
import { type Broken, breakOnePart } from './broken-part.ts';
import { LIMITS } from './limits.ts';
import { createNemesis } from './nemesis.ts';
import type { Mode, WorldOptions } from './options.ts';
import { unsettled } from './settled.ts';
import { createShop, type Shop } from './shop.ts';
import { createWorld, type World } from './world.ts';

export interface Verdict {
  readonly options: WorldOptions;
  readonly violations: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
  readonly orders: number;
  readonly confirmed: number;
  readonly steps: number;
  readonly statements: number;
  readonly virtualMs: number;
  readonly hash: string;
  readonly trace: readonly string[];
}

export interface RunOptions {
  readonly seed: number;
  readonly mode: Mode;
  /** Options that are not drawn from the seed. */
  readonly more?: Partial<WorldOptions>;
  /** Receives every step. */
  readonly listener?: (line: string) => void;
}

const LAST_STEPS = 200;
const LOOK_EVERY_MS = 2000;
const ALL_WELL: Broken = { what: '', without: new Set() };

export async function runWorld(store: Store, { seed, mode, more, listener }: RunOptions): Promise<Verdict> {
  store.reset();
  const statements = store.statements;
  const world = createWorld(store, seed, mode, more);
  const { kernel, options, faults } = world;
  const timers = world.rng.fork('timers');
  useTimers({
    set: (callback, ms) => kernel.schedule(ms, 'timer', 'fires', callback).cancel,
    random: timers.next,
  });
  kernel.trace.listener = listener;
  try {
    await live(world);
  } finally {
    useTimers(undefined);
    for (const { process } of world.machines) process?.kill();
  }
  const count = (where: string) =>
    Number(store.query('orders', `select count(*) as n from orders.orders ${where}`).rows[0]?.n ?? 0);
  return {
    options,
    violations: world.violations,
    faults,
    orders: count(''),
    confirmed: count("where status = 'CONFIRMED'"),
    steps: kernel.steps,
    statements: store.statements - statements,
    virtualMs: Math.round(kernel.now),
    hash: kernel.trace.hash(),
    trace: kernel.trace.last(LAST_STEPS),
  };
}

async function live(world: World): Promise<void> {
  const { kernel, machines, violations } = world;
  const shop = createShop(world);
  const nemesis = createNemesis(world);
  const within = (ms: number, done: () => boolean) =>
    kernel.run(() => violations.length > 0 || done(), kernel.now + ms);

  for (const machine of machines) machine.start();
  shop.setUp();
  if (!(await within(LIMITS.setupMs, shop.idle))) return void violations.push('setup: the shelves could not be filled');

  shop.open();
  world.faulty = true;
  nemesis.start();
  await within(LIMITS.faultsMs, shop.idle);
  world.faulty = false;
  nemesis.heal();

  const broken = world.options.mode === 'liveness' ? breakOnePart(world) : ALL_WELL;
  if (!(await settle(world, broken))) return;
  if (broken !== ALL_WELL) {
    // Then the last part is mended as well, and everything must agree.
    nemesis.heal();
    for (const machine of machines) if (machine.reachable() === undefined) machine.start();
    if (!(await settle(world, ALL_WELL))) return;
  }
  if (!(await within(LIMITS.resolveMs, shop.idle))) return void violations.push('I8: clients still wait for answers');
  shop.resolve();
  if (!(await within(LIMITS.resolveMs, shop.idle))) return void violations.push('I8: a key could not be resolved');
  if (!(await settle(world, ALL_WELL))) return;
  await probe(world, shop);
  if (violations.length === 0 && (await settle(world, ALL_WELL))) violations.push(...judge(world, shop));
}

/** Lets time pass until everything has come to its end; a violation when it does not. */
async function settle(world: World, broken: Broken): Promise<boolean> {
  const { kernel, server, violations } = world;
  const until = kernel.now + LIMITS.settleMs;
  let left: string[] = [];
  while (kernel.now < until) {
    await kernel.run(() => violations.length > 0, kernel.now + LOOK_EVERY_MS);
    if (violations.length > 0) return false;
    if (server.holder !== undefined) continue;
    left = unsettled(server.store, broken.without);
    if (left.length === 0) return true;
  }
  const where = broken.what === '' ? '' : ` (${broken.what})`;
  violations.push(`I10: not settled after ${LIMITS.settleMs / 1000} s${where}: ${left.join('; ')}`);
  return false;
}

/** Sells one unit of everything that is left: nothing is lost on the way back to the shelf. */
async function probe(world: World, shop: Shop): Promise<void> {
  const { kernel, server, violations } = world;
  const { rows } = server.store.query('inventory', 'select sku from stock where on_hand > reserved order by sku');
  for (const { sku } of rows) {
    let bought: boolean | undefined;
    shop.probe(sku as string, (was) => {
      bought = was;
    });
    await kernel.run(() => bought !== undefined || violations.length > 0, kernel.now + LIMITS.settleMs);
    if (bought !== true) violations.push(`I2: a unit of ${sku} is left and cannot be bought`);
  }
}
