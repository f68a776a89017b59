// Sends a topic's events to the broker again, from the outbox. The publisher keeps its place in memory, so the place is
// moved while nobody publishes: the operator takes the lease of the topic's head, waits until the publisher has noticed
// (it renews every three seconds), sets the head back and gives the lease away. The publisher then goes on from there.
// What is stored is one row, so a crash in between means that publishing goes on from the old place or the new one.
// Numbering and sending of the service's topics pause for some six seconds; nothing is lost, consumers skip what they
// applied.
import { sql } from '@stoa/chassis/postgres/sql';
import { recordAction, type Warrant } from './actions.ts';
import type { ShopData } from './shop-data.ts';
import { topicNamed } from './topology.ts';

/** Longer than the publisher's renewal, for it to see that the lease is gone; the lease outlives the wait. */
const NOTICE_MS = 4500;
const LEASE_SECONDS = 15;
const POLL_MS = 250;

export interface Republished {
  readonly topic: string;
  /** The first sequence that is sent again. */
  readonly from: bigint;
  /** The last one there was when this was asked. */
  readonly to: bigint;
  /** Whether the publisher has reached `to` again. */
  readonly sent: boolean;
}

/** Sends everything from `from` again; waits until it is sent, at most so long. */
export async function republish(
  data: ShopData,
  topic: string,
  from: bigint,
  warrant: Warrant,
  waitSeconds: number,
): Promise<Republished> {
  const { owner: service } = topicNamed(topic);
  const { clock } = data.runtime;
  const db = data.at(service);
  const head = await db.maybe(sql<{ seq: bigint }>`select seq from outbox_head where topic = ${topic}`);
  if (head === undefined || head.seq === 0n) throw new Error(`${topic} has no events yet`);
  if (from > head.seq) throw new Error(`${topic} ends at ${head.seq}: there is nothing from ${from} on`);
  const operator = `operator:${data.runtime.ids.uuid()}`;
  await db.run(sql`
    update outbox_head set owner = ${operator}, lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
    where topic = ${topic}`);
  try {
    if (data.running) await clock.sleep(NOTICE_MS);
    await db.transact(async (tx) => {
      const moved = await tx.run(sql`
        update outbox_head set published = least(published, ${from - 1n})
        where topic = ${topic} and owner = ${operator}`);
      if (moved === 0) throw new Error('another publisher took the lease meanwhile: try again');
      await recordAction(tx, data, {
        ...warrant,
        action: 'republish',
        target: topic,
        details: { from: String(from), to: String(head.seq) },
      });
    });
  } finally {
    await db.run(sql`
      update outbox_head set owner = '', lease_until = '-infinity' where topic = ${topic} and owner = ${operator}`);
  }
  const until = clock.monotonicMs() + waitSeconds * 1000;
  let sent = false;
  while (data.running && !sent && clock.monotonicMs() < until) {
    await clock.sleep(POLL_MS);
    const { published } = await db.one(sql<{ published: bigint }>`
      select published from outbox_head where topic = ${topic}`);
    sent = published >= head.seq;
  }
  return { topic, from, to: head.seq, sent };
}
