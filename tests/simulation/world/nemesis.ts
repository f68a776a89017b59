// What goes wrong by plan: at random moments something is killed, stopped, cut, wiped or set wrong, and after a while
// it is mended. `heal` mends everything at once.
import { NOBODY } from '../ports/server.ts';
import { LIMITS } from './limits.ts';
import type { FaultKind } from './options.ts';
import type { World } from './world.ts';

interface Nemesis {
  start(): void;
  heal(): void;
}

export function createNemesis(world: World): Nemesis {
  const { kernel, options, machines, broker, network, server } = world;
  const rng = world.rng.fork('nemesis');
  let active = false;

  const mendAfter = (ms: number, what: string, mend: () => void) =>
    kernel.schedule(ms, 'nemesis', what, () => {
      if (active) mend();
    });
  const some = () => rng.pick(machines);

  function cutLink(from: string, to: string, ms: number): void {
    const link = `${from}>${to}`;
    network.cut.add(link);
    mendAfter(ms, `mends ${link}`, () => network.cut.delete(link));
  }

  function pause(): void {
    const { process } = some();
    process?.pause();
    mendAfter(rng.between(500, rng.pick([3000, 40_000])), 'resumes', () => process?.resume());
  }

  /** Links are stopped one by one and come back in another order. */
  function swizzle(): void {
    const names = machines.map(({ name }) => name);
    for (const from of names) {
      for (const to of names) {
        if (from === to || rng.chance(0.5)) continue;
        kernel.schedule(rng.between(0, 5000), 'nemesis', `clogs ${from}>${to}`, () => {
          if (active) cutLink(from, to, rng.between(500, 10_000));
        });
      }
    }
  }

  function databaseAway(): void {
    const names = rng.chance(0.3) ? world.databases : [rng.pick(world.databases)];
    for (const name of names) server.away.add(name);
    mendAfter(rng.between(200, 10_000), `database ${names} is back`, () => {
      for (const name of names) server.away.delete(name);
    });
  }

  /** A standby with everything in it takes over: another timeline, so the topics begin a new epoch, publishers running or not. */
  function failover(): void {
    const publishers = machines.filter(({ services }) => services.some((service) => service.publishes !== undefined));
    if (publishers.length === 0 || server.holder !== undefined) return;
    const machine = rng.pick(publishers);
    for (const { name, publishes } of machine.services) {
      if (publishes !== undefined) server.store.query(name, 'update outbox_head set timeline = timeline - 1');
    }
    if (rng.chance(0.5)) machine.kill('in a failover', rng.between(200, 3000));
  }

  /** Not mended: orders that were placed with it are refused their shipment, and must be refunded. */
  function withdraw(): void {
    if (server.holder !== undefined) return;
    server.store.query('shipping', "delete from shipping_price where method_id = 'express'");
    server.store.query('shipping', "delete from shipping_method where id = 'express'");
  }

  const act: Readonly<Record<FaultKind, () => void>> = {
    kill: () => some().kill('by the nemesis', rng.chance(0.2) ? rng.between(3000, 20_000) : undefined),
    'kill at an await': () => {
      const { process } = some();
      if (process !== undefined) process.fuse = 1 + rng.below(200);
    },
    'kill all': () => {
      for (const machine of rng.shuffle(machines)) machine.kill('with all others');
    },
    pause,
    'clock jump': () => {
      const machine = some();
      machine.skewMs = rng.between(-3_600_000, 7_200_000);
      if (machine.process !== undefined) machine.process.skewMs = Math.floor(machine.skewMs);
    },
    'broker freeze': () => {
      broker.frozen = true;
      mendAfter(rng.between(500, 20_000), 'broker thaws', () => broker.thaw());
    },
    'broker wipe': () => broker.wipe(),
    'broker roll back': () => {
      const topics = broker.topics();
      if (topics.length > 0) broker.rollBack(rng.pick(topics), 1 + rng.below(20));
    },
    'broker purge': () => {
      const topics = broker.topics();
      if (topics.length > 0) broker.purge(rng.pick(topics), rng.pick(['messages', 'durables']));
    },
    'broker cut off': () => {
      const { name } = some();
      broker.cutOff.add(name);
      mendAfter(rng.between(500, 30_000), `broker reaches ${name}`, () => broker.reconnect(name));
    },
    'link cut': () => {
      const [from, to] = [some().name, rng.pick([...machines.map(({ name }) => name), 'client'])];
      const ms = rng.between(500, 30_000);
      cutLink(from, to, ms);
      if (rng.chance(0.6)) cutLink(to, from, ms);
    },
    swizzle,
    'database away': databaseAway,
    failover,
    'provider stall': () => {
      server.stalledUntil = kernel.now + rng.between(1000, 20_000);
    },
    'method withdrawn': withdraw,
  };

  function next(): void {
    const pause = -Math.log(1 - rng.next()) * options.faultEveryMs;
    kernel.schedule(pause, 'nemesis', 'acts', () => {
      if (!active) return;
      const kind = rng.pick(options.faultKinds);
      kernel.note('nemesis', kind);
      world.count(`plan: ${kind}`);
      act[kind]();
      next();
    });
  }

  return {
    start() {
      active = true;
      const { providerLate: late, providerLateMaxMs: lateMaxMs } = options;
      server.odds = options.database;
      server.outside = { database: 'sandbox', late, lateMaxMs };
      broker.odds = options.bus;
      network.odds = options.network;
      next();
    },
    heal() {
      active = false;
      kernel.note('nemesis', 'heals everything');
      server.odds = LIMITS.calmDatabase;
      server.outside = NOBODY;
      server.stalledUntil = 0;
      broker.odds = LIMITS.calmBus;
      network.odds = LIMITS.calmNetwork;
      server.away.clear();
      network.cut.clear();
      for (const name of [...broker.cutOff]) broker.reconnect(name);
      broker.thaw();
      for (const { process } of machines) {
        if (process === undefined) continue;
        process.fuse = Number.POSITIVE_INFINITY;
        process.resume();
      }
    },
  };
}
