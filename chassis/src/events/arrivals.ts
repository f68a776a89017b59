// The messages of a topic that have arrived and are not applied yet: from the broker, in whatever order and number, and
// from the producer. The broker is listened to only while this replica holds its place: what a standby took would be
// kept from the replica that applies.
import type { Bell } from '../bell.ts';
import type { Bus, BusMessage, Subscription } from './bus.ts';
import type { TopicRecord } from './envelope.ts';
import type { History } from './history.ts';
import type { Place } from './place.ts';

const QUEUE_MAX = 4096;

export interface ArrivalsOptions {
  readonly bus: Bus;
  readonly consumer: string;
  readonly topic: string;
  readonly place: Place;
  readonly history: History;
  /** Rung when there may be something to do. */
  readonly bell: Bell;
}

export interface Arrivals {
  /** Listens to the broker from now on. */
  open(): Promise<void>;
  /** Listens no more, and gives back to the broker what was not applied, for another replica. */
  close(): Promise<void>;
  /** Takes what the producer was asked for. */
  add(epoch: number, records: readonly TopicRecord[]): void;
  /** What follows a number without a gap. */
  next(seq: bigint, limit: number): TopicRecord[];
  /** Acknowledges what is applied. */
  settle(seq: bigint): void;
  /** Drops what is not of this epoch. */
  keepOnly(epoch: number): void;
  /** How many wait, whether they are next or not. */
  size(): number;
}

const NOTHING_TO_TELL = () => {};

export function createArrivals({ bus, consumer, topic, place, history, bell }: ArrivalsOptions): Arrivals {
  const queue = new Map<bigint, BusMessage>();
  let subscription: Subscription | undefined;

  function receive(message: BusMessage): void {
    const { sequence, eventId } = message.record;
    const watermark = place.watermark();
    history.learn(message.epoch, sequence);
    const isApplied = watermark !== undefined && sequence <= watermark.seq && message.epoch === watermark.epoch;
    if (isApplied && sequence === watermark.seq && eventId !== watermark.lastEventId) {
      history.doubt();
      bell.ring();
    }
    if (isApplied || message.epoch < history.epoch()) {
      message.ack();
      return;
    }
    // Beyond the bound the broker delivers it again later, or it is replayed.
    if (queue.size < QUEUE_MAX) queue.set(sequence, message);
    if (watermark !== undefined) bell.ring();
  }

  function drop(isDone: (message: BusMessage) => boolean): void {
    for (const [sequence, message] of queue) {
      if (!isDone(message)) continue;
      message.ack();
      queue.delete(sequence);
    }
  }

  return {
    async open() {
      subscription ??= await bus.consume(topic, consumer, {
        message: receive,
        beacon: ({ epoch, head }) => {
          history.learn(epoch, head);
          const watermark = place.watermark();
          if (watermark !== undefined && head > watermark.seq) bell.ring();
        },
      });
    },
    async close() {
      await subscription?.stop();
      subscription = undefined;
      for (const message of queue.values()) message.giveBack();
      queue.clear();
    },
    add(epoch, records) {
      for (const record of records) {
        const known = queue.get(record.sequence);
        if (known?.record.eventId === record.eventId) continue;
        // The broker had another one at this place: the producer is right.
        known?.ack();
        queue.set(record.sequence, { epoch, record, ack: NOTHING_TO_TELL, giveBack: NOTHING_TO_TELL });
      }
    },
    next(seq, limit) {
      const records: TopicRecord[] = [];
      for (let next = seq + 1n; records.length < limit; next++) {
        const message = queue.get(next);
        if (message === undefined) break;
        records.push(message.record);
      }
      return records;
    },
    settle: (seq) => drop(({ record }) => record.sequence <= seq),
    keepOnly: (epoch) => drop((message) => message.epoch !== epoch),
    size: () => queue.size,
  };
}
