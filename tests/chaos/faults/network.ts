// Connections that break, vanish or lead nowhere.
import { spawn } from 'node:child_process';
import pg from 'pg';
import type { Arena } from '../arena.ts';
import { LINKED_SERVICE, type Way } from '../broker-link.ts';
import { acceptsOrders, confirmsOrders } from '../buyers.ts';
import type { Fault } from '../fault.ts';
import {
  connectionsTo,
  cut,
  has,
  hurting,
  needsIptables,
  randomly,
  seconds,
  signal,
  withDead,
  withRule,
} from '../tools.ts';

/** Only decides when a run is given up. */
const PUBLISHED_WITHIN_MS = 90_000;

/** Waits until everything that orders had to tell by now was taken by the broker. */
async function publishesAll({ databases }: Arena): Promise<void> {
  const client = new pg.Client({ connectionString: databases.orders as string });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string }>('select coalesce(max(id), 0) as id from outbox');
    const left = `select count(*)::int as left from outbox o join outbox_head h using (topic)
      where o.id <= $1 and (o.pub_seq is null or o.pub_seq > h.published)`;
    for (const until = Date.now() + PUBLISHED_WITHIN_MS; Date.now() < until; await seconds(0.2)) {
      if ((await client.query<{ left: number }>(left, [rows[0]?.id])).rows[0]?.left === 0) return;
    }
    throw new Error('what orders had to tell was not published');
  } finally {
    await client.end();
  }
}

const postgresPort = (adminUrl: string) => new URL(adminUrl).port;

function silentBroker(id: string, how: string, ways: readonly Way[]): Fault {
  return {
    id,
    title: `${LINKED_SERVICE} alone cut off from the broker for 10 s: ${how}`,
    expectation: 'orders are confirmed meanwhile: what the broker does not bring is fetched from its producer',
    needs: 'link',
    async inject({ link, url }) {
      if (link === undefined) throw new Error('the proxy to the broker is not there');
      await link.cutOff(ways, () => hurting(10, () => confirmsOrders({ url })));
    },
  };
}

export const network: readonly Fault[] = [
  {
    id: 'F12a',
    title: 'everybody cut off from the broker for 10 s',
    expectation: 'orders are accepted and wait; they go on when it is back',
    impossible: needsIptables,
    inject: (arena) =>
      withRule(['OUTPUT', '-o', 'lo', '-p', 'tcp', '--dport', new URL(arena.natsUrl).port, '-j', 'DROP'], () =>
        hurting(10, () => acceptsOrders(arena)),
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
  silentBroker('F12c', 'neither hears the other', ['there', 'back']),
  silentBroker('F12d', 'the broker is heard, and hears nothing', ['there']),
  {
    id: 'F21',
    title: 'every connection of orders to its database leads nowhere for 8 s',
    expectation: 'statements end by their timeout, connections are replaced',
    impossible: needsIptables,
    async inject(arena) {
      const pid = await arena.pidOf('orders');
      const its = connectionsTo(postgresPort(arena.adminUrl)).filter((connection) => connection.pid === pid);
      await withDead(its, () => hurting(8, () => confirmsOrders(arena)));
    },
  },
  {
    id: 'F21b',
    title: 'every open connection between the services leads nowhere for 8 s',
    expectation: 'keepalive finds out; orders are confirmed over new connections',
    impossible: needsIptables,
    async inject(arena) {
      const between = Object.values(arena.addresses).flatMap((address) =>
        connectionsTo(new URL(`tcp://${address}`).port),
      );
      await withDead(between, () => hurting(8, () => confirmsOrders(arena)));
    },
  },
  {
    id: 'F21c',
    title: 'every open connection to the broker leads nowhere for 8 s',
    expectation: 'pings go unanswered; events are published over new connections',
    impossible: needsIptables,
    inject: (arena) =>
      withDead(connectionsTo(new URL(arena.natsUrl).port), () =>
        hurting(8, async () => {
          await acceptsOrders(arena);
          await publishesAll(arena);
        }),
      ),
  },
  {
    id: 'F22',
    title: 'random connections reset, 40 in 8 s',
    expectation: 'only what may be repeated is repeated',
    impossible: () => (has('ss') ? undefined : 'ss (iproute2) is not installed'),
    async inject(arena) {
      const ports = [postgresPort(arena.adminUrl), new URL(arena.natsUrl).port];
      const draw = randomly('F22');
      for (let round = 0; round < 40; round++) {
        const open = ports.flatMap(connectionsTo);
        if (open.length > 0) cut(draw.pick(open));
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
