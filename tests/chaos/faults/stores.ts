// The broker and the database go away, lose data, or are told nonsense.
import { cpSync, renameSync, rmSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import pg from 'pg';
import { SUBSCRIPTIONS } from '../../../cli/src/audit/topology.ts';
import type { Arena } from '../arena.ts';
import type { Fault } from '../fault.ts';
import { randomly, seconds, shuffled, signal } from '../tools.ts';

const STREAM = 'ORDERS_EVENTS';
/** Only decides when a run is given up. */
const PARKED_WITHIN_MS = 90_000;

async function withStreams<T>(
  arena: Arena,
  body: (manager: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<T>,
): Promise<T> {
  const connection = await connect({ servers: arena.natsUrl });
  try {
    return await body(await jetstreamManager(connection));
  } finally {
    await connection.close();
  }
}

/** Sends the stream's latest messages again, three times, shuffled, under new message ids. */
async function repeatMessages(arena: Arena): Promise<void> {
  const connection = await connect({ servers: arena.natsUrl });
  try {
    const manager = await jetstreamManager(connection);
    const js = jetstream(connection);
    const draw = randomly('F14');
    for (const name of ['ORDERS_EVENTS', 'ORDERS_INVENTORY_COMMANDS', 'ORDERS_PAYMENTS_COMMANDS', 'PAYMENTS_EVENTS']) {
      const { state } = await manager.streams.info(name);
      const first = Math.max(state.first_seq, state.last_seq - 200);
      const sequences = Array.from({ length: state.last_seq - first + 1 }, (_, index) => first + index);
      for (const seq of shuffled([...sequences, ...sequences, ...sequences], draw)) {
        const message = await manager.streams.getMessage(name, { seq });
        if (message === null) continue;
        const copy = headers();
        for (const [key, values] of message.header) if (key !== 'Nats-Msg-Id') copy.set(key, values[0] as string);
        await js.publish(message.subject, message.data, { headers: copy });
      }
    }
  } finally {
    await connection.close();
  }
}

/** An event of a type that its consumer does not know, as a newer version of shipping might publish it. */
async function poison(arena: Arena): Promise<void> {
  const shipping = new pg.Client({ connectionString: arena.databases.shipping as string });
  await shipping.connect();
  await shipping.query(`insert into outbox (event_id, topic, type, aggregate_id, payload, traceparent)
    values (gen_random_uuid(), 'shipping.events', 'stoa.shipping.v1.FromTheFuture', gen_random_uuid()::text, '', '')`);
  await shipping.end();
  for (const { topic, database } of SUBSCRIPTIONS) {
    if (topic === 'shipping.events') await resolvePoison(arena.databases[database] as string);
  }
}

/** Waits until a consumer has parked it, then drops it as an operator would. */
async function resolvePoison(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const until = Date.now() + PARKED_WITHIN_MS; Date.now() < until; await seconds(0.25)) {
      const { rowCount } = await client.query(
        `update parked_event set resolved_at = now(), resolution = 'dropped: injected by chaos'
         where type like '%FromTheFuture' and resolved_at is null`,
      );
      if (rowCount === 1) return;
    }
    throw new Error('the poisoned message was not parked');
  } finally {
    await client.end();
  }
}

const comesBack = 'events wait in the outbox and are sent when the broker is back';
const refills = 'requests fail with UNAVAILABLE, pools refill, no commit is lost';

export const stores: readonly Fault[] = [
  {
    id: 'F8a',
    title: 'broker ended by SIGTERM',
    expectation: comesBack,
    inject: async (arena) => signal(await arena.natsPid(), 'SIGTERM'),
  },
  {
    id: 'F8b',
    title: 'broker killed',
    expectation: comesBack,
    inject: async (arena) => signal(await arena.natsPid(), 'SIGKILL'),
  },
  {
    id: 'F9',
    title: 'broker killed and its storage deleted',
    expectation: 'the owner sees another stream and sends everything again that a consumer lacks',
    recoversWithinS: 60,
    async inject(arena) {
      const pid = await arena.natsPid();
      signal(pid, 'SIGSTOP');
      renameSync(arena.natsStore, `${arena.natsStore}-gone-${pid}`);
      signal(pid, 'SIGKILL');
    },
  },
  {
    id: 'F10',
    title: 'broker killed and its storage rolled back 5 s',
    expectation: 'the owner sees a lower last sequence and sends again; gaps are fetched from the producer',
    recoversWithinS: 60,
    async inject(arena) {
      const copy = `${arena.natsStore}-copy`;
      rmSync(copy, { recursive: true, force: true });
      const pid = await arena.natsPid();
      // Halted while it is copied: files that vanish under the copying hand are not what this is about.
      signal(pid, 'SIGSTOP');
      try {
        cpSync(arena.natsStore, copy, { recursive: true });
      } finally {
        signal(pid, 'SIGCONT');
      }
      await seconds(5);
      signal(pid, 'SIGSTOP');
      rmSync(arena.natsStore, { recursive: true, force: true });
      renameSync(copy, arena.natsStore);
      signal(pid, 'SIGKILL');
    },
  },
  {
    id: 'F11a',
    title: 'an operator deletes a stream',
    expectation: 'it is made again and filled from the outbox',
    recoversWithinS: 60,
    inject: (arena) => withStreams(arena, async (manager) => void (await manager.streams.delete(STREAM))),
  },
  {
    id: 'F11b',
    title: 'an operator purges a stream and deletes a durable',
    expectation: 'the durable is made again; what it did not deliver is fetched from the producer',
    recoversWithinS: 60,
    inject: (arena) =>
      withStreams(arena, async (manager) => {
        await manager.streams.purge('ORDERS_PAYMENTS_COMMANDS');
        await manager.consumers.delete('ORDERS_PAYMENTS_COMMANDS', 'payments--orders');
      }),
  },
  {
    id: 'F14',
    title: 'messages delivered three times more, shuffled, past the broker’s deduplication',
    expectation: 'each has its effect once',
    inject: repeatMessages,
  },
  {
    id: 'F15',
    title: 'a message that no consumer can read',
    expectation: 'it is parked, everything else flows',
    inject: poison,
  },
  {
    id: 'F16a',
    title: 'database restarted (fast shutdown)',
    expectation: refills,
    inject: async (arena) => signal(await arena.postgresPid(), 'SIGINT'),
  },
  {
    id: 'F16b',
    title: 'database restarted (immediate shutdown)',
    expectation: refills,
    inject: async (arena) => signal(await arena.postgresPid(), 'SIGQUIT'),
  },
  {
    id: 'F16c',
    title: 'postmaster killed',
    expectation: refills,
    inject: async (arena) => signal(await arena.postgresPid(), 'SIGKILL'),
  },
];
