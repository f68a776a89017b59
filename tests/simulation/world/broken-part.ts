// Liveness: everything is mended for good but one part, which stays broken. All that does not need it must still come
// to its end in bounded time.
import type { World } from './world.ts';

export interface Broken {
  readonly what: string;
  /** Services whose own work may stay undone. */
  readonly without: ReadonlySet<string>;
}

/** Only what follows others may be away for good; without the rest no order can end. */
const FOLLOWERS_ONLY = new Set(['notifications', 'catalog']);

export function breakOnePart(world: World): Broken {
  const { machines, broker, network, kernel } = world;
  const rng = world.rng.fork('broken part');
  const nothing: ReadonlySet<string> = new Set();
  const elsewhere = (service: string, but: string) =>
    machines.some((machine) => machine.name !== but && machine.hosts(service));
  const spare = machines.filter(({ name, services }) =>
    services.every((service) => FOLLOWERS_ONLY.has(service.name) || elsewhere(service.name, name)),
  );
  const choices: (() => Broken)[] = [
    () => {
      broker.frozen = true;
      return { what: 'the broker stays frozen', without: nothing };
    },
    () => {
      const { name } = rng.pick(machines);
      broker.cutOff.add(name);
      return { what: `${name} never reaches the broker again`, without: nothing };
    },
  ];
  for (const machine of spare) {
    const without = new Set(machine.services.map(({ name }) => name).filter((name) => !elsewhere(name, machine.name)));
    choices.push(() => {
      machine.kill('for good', Number.POSITIVE_INFINITY);
      return { what: `${machine.name} is dead for good`, without };
    });
    choices.push(() => {
      machine.process?.pause();
      return { what: `${machine.name} hangs for good`, without };
    });
  }
  const [from, to] = [rng.pick(machines), rng.pick(machines)];
  // Only the way from a consumer to its producer: whoever places orders needs the rest.
  if (from !== to && !from.hosts('orders') && !from.hosts('cart') && machines.length > 2) {
    choices.push(() => {
      network.cut.add(`${from.name}>${to.name}`);
      return { what: `${from.name} can never call ${to.name}`, without: nothing };
    });
  }
  const broken = rng.pick(choices)();
  kernel.note('nemesis', broken.what);
  return broken;
}
