// Sends the numbered events of one topic to the broker, window after window. A window is all or nothing and there are
// never two in flight, so the stream keeps the topic's order. What the broker lost, it sends again: it remembers the
// stream's identity and last sequence, and begins anew at the lowest watermark of the consumers.
import { type Bell, createBell } from '../bell.ts';
import type { Failpoints } from '../failpoint.ts';
import type { Log } from '../log.ts';
import type { Database } from '../postgres/database.ts';
import type { Clock } from '../runtime.ts';
import type { Bus } from './bus.ts';
import { type Head, lowestWatermark, markPublished, type NumberedRecord, readWindow } from './outbox.ts';

export interface SenderOptions {
  readonly db: Database;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  readonly failpoints: Failpoints;
  readonly active: () => boolean;
}

export interface Sender {
  /** Hands over freshly numbered records of this topic, in order. */
  add(records: readonly NumberedRecord[]): void;
  /** The last number given, as far as this process knows. */
  head(): { readonly epoch: number; readonly seq: bigint; readonly published: bigint };
  /** Forgets what it knows and goes on from this head: after the lease was (re)gained. */
  reset(head: Head): void;
  run(signal: AbortSignal): Promise<void>;
}

const WINDOW_MAX = 256;
/** Fresh records kept in memory while a window is in flight; beyond it they are read from the table again. */
const FRESH_MAX = 4 * WINDOW_MAX;
/** How often the stream is looked at, the head told to the consumers and the cursor stored. */
const UPKEEP_MS = 2000;
const BACKOFF_MS = { first: 50, max: 2000 };

export function createSender(topic: string, initial: Head, options: SenderOptions): Sender {
  const { db, bus, clock, log, failpoints, active } = options;
  const bell: Bell = createBell(clock);
  let head: Head = initial;
  let fresh: NumberedRecord[] = [];
  let streamKnown = false;
  let stored = head.published;
  let resets = 0;

  async function checkStream(): Promise<void> {
    const { created, lastSeq } = await bus.openStream(topic);
    const lost = head.streamCreated !== '' && (created !== head.streamCreated || lastSeq < head.streamLastSeq);
    if (lost) {
      const lowest = await lowestWatermark(db, topic);
      const published = lowest < head.published ? lowest : head.published;
      log.warn('the broker lost events of this topic; sending them again', { topic, sequence: published });
      head = { ...head, published };
      fresh = [];
    }
    if (lost || head.streamCreated === '') {
      head = { ...head, streamCreated: created, streamLastSeq: lastSeq };
      await store();
    }
    streamKnown = true;
  }

  async function store(): Promise<void> {
    const { published } = head;
    await markPublished(db, [head]);
    stored = published;
  }

  async function nextWindow(): Promise<NumberedRecord[]> {
    while (fresh.length > 0 && (fresh[0] as NumberedRecord).sequence <= head.published) fresh.shift();
    if (fresh[0]?.sequence === head.published + 1n) return fresh.splice(0, WINDOW_MAX);
    fresh = [];
    return readWindow(db, topic, head.published, WINDOW_MAX);
  }

  async function sendAll(signal: AbortSignal): Promise<void> {
    while (head.published < head.seq && !signal.aborted && active()) {
      const window = await nextWindow();
      const last = window.at(-1);
      if (last === undefined) return;
      const before = resets;
      const streamLastSeq = await bus.publish(topic, head.epoch, window);
      await failpoints.hit('outbox.after_ack');
      // What was under way is of the history before: it says nothing of how far this one is sent.
      if (resets !== before) continue;
      head = { ...head, published: last.sequence, streamLastSeq };
    }
  }

  async function upkeep(): Promise<void> {
    await checkStream();
    bus.sendBeacon(topic, { epoch: head.epoch, head: head.seq });
    if (stored !== head.published) await store();
  }

  async function run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    let upkeepAt = 0;
    while (!signal.aborted) {
      try {
        if (active() && bus.connected()) {
          if (!streamKnown || clock.monotonicMs() >= upkeepAt) {
            await upkeep();
            upkeepAt = clock.monotonicMs() + UPKEEP_MS;
          }
          await sendAll(signal);
        }
        failures = 0;
      } catch (error) {
        // A timeout is an unknown outcome: the same window is sent again, duplicates are harmless.
        streamKnown = false;
        fresh = [];
        failures++;
        log.warn('events could not be sent to the broker; trying again', { topic, error, attempt: failures });
        await clock.sleep(Math.min(BACKOFF_MS.max, BACKOFF_MS.first * 2 ** failures), signal);
      }
      await bell.wait(UPKEEP_MS, signal);
    }
  }

  return {
    add(records) {
      const [first, last] = [records[0], records.at(-1)];
      if (first === undefined || last === undefined) return;
      head = { ...head, seq: last.sequence };
      const before = fresh.at(-1);
      // What was left out leaves a gap: all after it comes from the table, until that is done.
      const isNext = before === undefined || before.sequence + 1n === first.sequence;
      if (isNext && fresh.length + records.length <= FRESH_MAX) fresh.push(...records);
      bell.ring();
    },
    head: () => head,
    reset(next) {
      resets++;
      head = next;
      stored = next.published;
      fresh = [];
      streamKnown = false;
      bell.ring();
    },
    run,
  };
}
