// I13a: each consumer has applied its topic from the first message to the last, in one order. The watermark is the
// whole deduplication: at rest it equals the topic's head, and it names the same event there as the producer does.
import type { Queryable } from '@stoa/chassis/postgres/database';
import { sql } from '@stoa/chassis/postgres/sql';
import { collect, type Finding, type Invariant } from '../invariant.ts';
import type { Look } from '../look.ts';
import { SUBSCRIPTIONS, type Subscription } from '../topology.ts';

/** A message that waits longer than this for a consumer that runs is not merely on its way. */
const LAG_SECONDS = 60;

interface Watermark {
  readonly seq: bigint;
  readonly epoch: number;
  readonly last_event_id: string | null;
  /** Messages at or below it that were handed to a canary and are not applied. */
  readonly handed: bigint;
  readonly handed_seconds: number;
  /** Some replica works on it. */
  readonly runs: boolean;
}

interface Head {
  readonly seq: bigint;
  readonly epoch: number;
  /** The producer's event at the consumer's watermark. */
  readonly event_id: string | null;
  /** How long the first message that was not applied has waited. */
  readonly waiting_seconds: number;
}

export const consumedOnce: Invariant = {
  id: 'I13a',
  title: 'consumers applied every message',
  needs: ['orders'],
  isShopWide: true,
  async check(look) {
    const found = collect();
    const subscriptions = SUBSCRIPTIONS.filter((one) => look.has(one.database) && look.has(one.producer));
    let applied = 0n;
    for (const subscription of subscriptions) {
      const { consumer, topic, database } = subscription;
      // Not from the snapshots: the watermark must be read before the head that it may not exceed.
      const watermark = await readWatermark(look.now(database), subscription);
      const head = await readHead(look, subscription, watermark);
      applied += watermark.seq;
      const text = problemOf(watermark, head);
      const lag = head.seq - watermark.seq;
      const isLate = head.waiting_seconds > LAG_SECONDS && watermark.runs;
      if (watermark.handed > 0n) found.add(withCanary(subscription, watermark));
      if (text !== undefined) found.add({ key: `${consumer} on ${topic}`, text });
      else if (lag > 0n) {
        const waited = `for ${Math.round(head.waiting_seconds)} s`;
        found.add({ key: `${consumer} on ${topic}`, text: `${lag} messages behind ${waited}`, isWaiting: !isLate });
      }
    }
    return found.outcome([subscriptions.length, 'consumers'], [applied, 'messages applied']);
  },
};

const NOTHING_APPLIED: Watermark = {
  seq: 0n,
  epoch: 0,
  last_event_id: null,
  runs: false,
  handed: 0n,
  handed_seconds: 0,
};

/** Either version takes them: the canary, or the stable one when that is gone. Neither is late for long. */
function withCanary({ consumer, topic }: Subscription, { handed, handed_seconds: seconds, runs }: Watermark): Finding {
  const text = `${handed} messages were handed to a canary and not applied for ${Math.round(seconds)} s`;
  return { key: `${consumer} on ${topic} with the canary`, text, isWaiting: seconds <= LAG_SECONDS || !runs };
}

async function readWatermark(db: Queryable, { consumer, topic }: Subscription): Promise<Watermark> {
  const row = await db.maybe(sql<Watermark>`
    select seq, epoch, last_event_id, lease_until > now() as runs,
      (select count(*) from handed_event h where h.consumer = w.consumer and h.topic = w.topic) as handed,
      coalesce((select extract(epoch from now() - min(handed_at)) from handed_event h
        where h.consumer = w.consumer and h.topic = w.topic), 0)::float8 as handed_seconds
    from consumer_watermark w where consumer = ${consumer} and topic = ${topic}`);
  return row ?? NOTHING_APPLIED;
}

async function readHead(look: Look, { topic, producer }: Subscription, { seq }: Watermark): Promise<Head> {
  const row = await look.now(producer).maybe(sql<Head>`
    select h.seq, h.epoch,
      (select event_id from outbox o where o.topic = h.topic and o.pub_seq = ${seq}) as event_id,
      coalesce((select extract(epoch from now() - created_at) from outbox o
        where o.topic = h.topic and o.pub_seq = ${seq} + 1), 0)::float8 as waiting_seconds
    from outbox_head h where h.topic = ${topic}`);
  return row ?? { seq: 0n, epoch: 0, event_id: null, waiting_seconds: 0 };
}

function problemOf(watermark: Watermark, head: Head): string | undefined {
  const { seq, last_event_id } = watermark;
  if (seq > head.seq) return `has applied ${seq} messages of a topic that has ${head.seq}`;
  if (seq > 0n && head.event_id !== null && last_event_id !== null && head.event_id !== last_event_id) {
    return `applied event ${last_event_id} at ${seq}, where the producer has ${head.event_id}`;
  }
  return undefined;
}
