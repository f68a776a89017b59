// The publishing half of a service: one sequencer, one sender for each topic, under a lease that lets one replica do
// the work. The lease only saves duplicate work: the head row's lock keeps the numbering right without it, and
// consumers skip what is sent twice.
import type { Bell } from '../bell.ts';
import type { Failpoints } from '../failpoint.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Database } from '../postgres/database.ts';
import type { Clock } from '../runtime.ts';
import type { Bus } from './bus.ts';
import { ALWAYS_STABLE, type CurrentLane } from './lane.ts';
import { type Head, leaseHeads, openHeads, readHeads } from './outbox.ts';
import { createSender, type Sender } from './sender.ts';
import { runSequencer } from './sequencer.ts';

export interface PublisherOptions {
  readonly db: Database;
  readonly bus: Bus;
  readonly topics: readonly string[];
  /** Rung after each commit that published. */
  readonly bell: Bell;
  /** Names this replica: a restarted one with the same name takes its lease back at once. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly failpoints: Failpoints;
  /** Which version this process is: a canary neither numbers nor sends. @default always stable */
  readonly lane?: CurrentLane;
}

export interface Publisher {
  run(signal: AbortSignal): Promise<void>;
}

export const LEASE_SECONDS = 10;
export const LEASE_RENEW_MS = 3000;

export function createPublisher(options: PublisherOptions): Publisher {
  const { db, topics, bell, instance, clock, log, metrics, lane = ALWAYS_STABLE } = options;
  const senders = new Map<string, Sender>();
  let leader = false;
  const active = () => leader;

  async function renew(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const isStable = lane() === 'stable';
        // Given back, when it is not stable any more, for others to take at once.
        const heads =
          isStable || leader ? await leaseHeads(db, topics, instance, isStable ? LEASE_SECONDS : 0) : undefined;
        const leads = isStable && heads !== undefined;
        if (leads && leader) follow(heads);
        else if (leads) {
          // Read again: the other one may have numbered until its lease was taken.
          for (const head of await readHeads(db, topics)) senders.get(head.topic)?.reset(head);
          bell.ring();
        }
        // Only now: nothing may be numbered between reading the heads and resuming from them.
        leader = leads;
        report();
      } catch (error) {
        leader = false;
        log.warn('the lease on publishing could not be renewed', { error });
      }
      await clock.sleep(LEASE_RENEW_MS, signal);
    }
    if (leader) await leaseHeads(db, topics, instance, 0).catch(() => {});
  }

  /** Another epoch may have begun in numbering, or when another replica started: what senders know is of the old one. */
  function follow(heads: readonly Head[]): void {
    for (const head of heads) {
      const sender = senders.get(head.topic);
      if (sender !== undefined && sender.head().epoch < head.epoch) sender.reset(head);
    }
  }

  function report(): void {
    for (const [topic, sender] of senders) {
      const { seq, published } = sender.head();
      metrics.gauge('outbox_head', 'Last number given in a topic', Number(seq), { topic });
      metrics.gauge('outbox_unsent', 'Numbered events that the broker has not stored', Number(seq - published), {
        topic,
      });
    }
  }

  return {
    async run(signal) {
      await openTopics(options, signal);
      for (const head of await readHeads(db, topics)) {
        senders.set(head.topic, createSender(head.topic, head, { ...options, active }));
      }
      const sequencer = runSequencer(
        {
          ...options,
          active,
          onNumbered: ({ records, heads }) => {
            follow(heads);
            for (const [topic, sender] of senders) sender.add(records.filter((record) => record.topic === topic));
          },
        },
        signal,
      );
      await Promise.all([renew(signal), sequencer, ...[...senders.values()].map((sender) => sender.run(signal))]);
    },
  };
}

/** Waits for the database: a service must survive starting before it. */
async function openTopics({ db, topics, clock, log }: PublisherOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await db.transact((tx) => openHeads(tx, topics));
      return;
    } catch (error) {
      log.warn('the outbox could not be opened; trying again', { error });
      await clock.sleep(1000, signal);
    }
  }
}
