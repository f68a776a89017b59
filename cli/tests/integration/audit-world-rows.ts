// How the tests' worlds write rows and events: each event numbered, and applied by every consumer of its topic.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { SUBSCRIPTIONS } from '../../src/audit/topology.ts';

export type Clients = Readonly<Record<string, pg.Client>>;

type Row = Readonly<Record<string, unknown>>;

export async function insert(client: pg.Client | undefined, table: string, ...rows: readonly Row[]): Promise<void> {
  for (const row of rows) {
    const columns = Object.keys(row);
    const places = columns.map((_, n) => `$${n + 1}`);
    const text = `insert into ${table} (${columns.join(', ')}) values (${places.join(', ')})`;
    await client?.query(text, Object.values(row));
  }
}

interface Fact {
  readonly topic: string;
  readonly type: string;
  readonly about: string;
  readonly version?: bigint;
  readonly payload?: Uint8Array;
  readonly cause?: string;
}

/** Writes events, numbers them, and lets every consumer have applied them. */
export function createStreams(clients: Clients) {
  const heads = new Map<string, { seq: bigint; lastEventId: string }>();
  const ownerOf = (topic: string) => clients[topic.slice(0, topic.indexOf('.'))];
  return {
    async tell({ topic, type, about, version, payload, cause }: Fact): Promise<string> {
      const lastEventId = randomUUID();
      const seq = (heads.get(topic)?.seq ?? 0n) + 1n;
      heads.set(topic, { seq, lastEventId });
      await insert(ownerOf(topic), 'outbox', {
        event_id: lastEventId,
        topic,
        type,
        aggregate_id: about,
        aggregate_version: version ?? null,
        payload: payload ?? Buffer.alloc(0),
        traceparent: '',
        causation_id: cause ?? null,
        pub_seq: seq,
      });
      return lastEventId;
    },
    async finish(): Promise<void> {
      for (const [topic, { seq }] of heads) {
        await insert(ownerOf(topic), 'outbox_head', { topic, timeline: 1, seq, published: seq });
      }
      for (const { consumer, topic, database } of SUBSCRIPTIONS) {
        const head = heads.get(topic);
        if (head === undefined) continue;
        const at = { seq: head.seq, last_event_id: head.lastEventId, epoch: 1 };
        await insert(clients[database], 'consumer_watermark', { consumer, topic, ...at });
      }
    },
  };
}

export type Streams = ReturnType<typeof createStreams>;
