// Connections that break, vanish or lead nowhere.
import { spawn } from 'node:child_process';
import type { Fault } from '../fault.ts';
import { connectionsTo, cut, has, needsIptables, seconds, signal, withRule } from '../tools.ts';

const postgresPort = (adminUrl: string) => new URL(adminUrl).port;

export const network: readonly Fault[] = [
  {
    id: 'F12a',
    title: 'everybody cut off from the broker for 10 s',
    expectation: 'orders are accepted and wait; they go on when it is back',
    impossible: needsIptables,
    inject: (arena) =>
      withRule(['OUTPUT', '-o', 'lo', '-p', 'tcp', '--dport', new URL(arena.natsUrl).port, '-j', 'DROP'], () =>
        seconds(10),
      ),
  },
  {
    id: 'F12b',
    title: 'the broker hears everybody, nobody hears it, for 10 s',
    expectation: 'publishing times out with an unknown outcome and is repeated',
    impossible: needsIptables,
    inject: (arena) =>
      withRule(['OUTPUT', '-o', 'lo', '-p', 'tcp', '--sport', new URL(arena.natsUrl).port, '-j', 'DROP'], () =>
        seconds(10),
      ),
  },
  {
    id: 'F21',
    title: 'every connection of orders to its database leads nowhere for 8 s',
    expectation: 'statements end by their timeout, connections are replaced',
    impossible: needsIptables,
    async inject(arena) {
      const port = postgresPort(arena.adminUrl);
      const pid = await arena.pidOf('orders');
      const ports = connectionsTo(port).filter((connection) => connection.pid === pid);
      const local = ports.map(({ localPort }) => localPort).slice(0, 15);
      if (local.length === 0) throw new Error('orders has no connection to its database');
      const rule = [
        'OUTPUT',
        '-o',
        'lo',
        '-p',
        'tcp',
        '--dport',
        port,
        '-m',
        'multiport',
        '--sports',
        local.join(','),
        '-j',
        'DROP',
      ];
      await withRule(rule, () => seconds(8));
    },
  },
  {
    id: 'F22',
    title: 'random connections reset, 40 in 8 s',
    expectation: 'only what may be repeated is repeated',
    impossible: () => (has('ss') ? undefined : 'ss (iproute2) is not installed'),
    async inject(arena) {
      const ports = [postgresPort(arena.adminUrl), new URL(arena.natsUrl).port];
      for (let round = 0; round < 40; round++) {
        const open = ports.flatMap(connectionsTo);
        const victim = open[Math.floor(Math.random() * open.length)];
        if (victim !== undefined) cut(victim);
        await seconds(0.2);
      }
    },
  },
  {
    id: 'F20c',
    title: 'the machine kept busy by others for 10 s',
    expectation: 'slower, and back to normal without a restart',
    async inject() {
      const hogs = Array.from({ length: 4 }, () => spawn(process.execPath, ['-e', 'for(;;);'], { stdio: 'ignore' }));
      try {
        await seconds(10);
      } finally {
        for (const { pid } of hogs) if (pid !== undefined) signal(pid, 'SIGKILL');
      }
    },
  },
];
