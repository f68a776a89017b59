// Numbers committed events, densely, per topic. One of three parts of publishing: writing (publish.ts), numbering
// (here), sending (sender.ts). Numbering goes on while the broker is away, so that consumers can still replay.
import type { Bell } from '../bell.ts';
import type { Failpoints } from '../failpoint.ts';
import type { Log } from '../log.ts';
import type { Database } from '../postgres/database.ts';
import type { Clock } from '../runtime.ts';
import {
  type Head,
  hasPending,
  lockHeads,
  type NumberedRecord,
  numberPending,
  openHeads,
  readHeads,
} from './outbox.ts';

export interface SequencerOptions {
  readonly db: Database;
  readonly topics: readonly string[];
  readonly bell: Bell;
  readonly clock: Clock;
  readonly log: Log;
  readonly failpoints: Failpoints;
  /** Whether this replica is the one that numbers; checked before each turn. */
  readonly active: () => boolean;
  /** Told what was numbered, in order, and under which heads. */
  readonly onNumbered: (numbered: Numbered) => void;
}

/** Rows numbered in one transaction. */
export const NUMBER_BATCH_MAX = 500;
/** How long an event may wait when the wake-up was lost or came from another replica. */
const POLL_MS = 250;
const ERROR_PAUSE_MS = 250;
/**
 * After a turn it rests, in proportion to what the turn took. When the database is idle that is a few milliseconds,
 * which nobody notices; when there is much to do, turns take longer, so each numbers more events, and everything behind
 * it, broker and consumers, works in larger batches. An event that comes alone never waits.
 */
const REST_OF_TURN = 3;
const REST_MAX_MS = 80;

export interface Numbered {
  readonly records: readonly NumberedRecord[];
  /** The heads of which these numbers are. Their `seq` may be from before them. */
  readonly heads: readonly Head[];
}

/** Numbers whatever is committed and has no number yet, in a new epoch where the database has become another one. */
export async function numberOnce(db: Database, topics: readonly string[]): Promise<Numbered> {
  return db.transact(async (tx) => {
    // Two statements, the second with a snapshot of its own, sent at once: one round trip.
    const [heads, records] = await Promise.all([lockHeads(tx, topics), numberPending(tx, NUMBER_BATCH_MAX)]);
    if (!heads.some(({ hasTurned }) => hasTurned)) return { records, heads };
    await openHeads(tx, topics);
    return { records, heads: await readHeads(tx, topics) };
  });
}

/** Runs until the signal aborts. */
export async function runSequencer(options: SequencerOptions, signal: AbortSignal): Promise<void> {
  const { db, topics, bell, clock, log, failpoints, active, onNumbered } = options;
  let rung = true;
  while (!signal.aborted) {
    try {
      if (active() && (rung || (await hasPending(db)))) {
        await failpoints.hit('outbox.after_commit');
        const beganMs = clock.monotonicMs();
        const numbered = await numberOnce(db, topics);
        const tookMs = clock.monotonicMs() - beganMs;
        const { length } = numbered.records;
        onNumbered(numbered);
        rung = length === NUMBER_BATCH_MAX;
        if (rung) continue;
        if (length > 0) await clock.sleep(Math.min(REST_MAX_MS, REST_OF_TURN * tookMs), signal);
      }
    } catch (error) {
      log.warn('events could not be numbered; trying again', { error });
      await clock.sleep(ERROR_PAUSE_MS, signal);
    }
    rung = (await bell.wait(POLL_MS, signal)) || rung;
  }
}
