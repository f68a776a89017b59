// Who is to blame when a batch fails, and what becomes of it: how many messages the next transaction may have, how often
// a message was tried, and when that was often enough. Used by whoever applies messages, the canary included.
import type { Database, Tx } from '../postgres/database.ts';
import { errorText } from '../postgres/error-text.ts';
import { isPassing } from '../postgres/passing.ts';
import type { TopicRecord } from './envelope.ts';

/** So many times one message alone may be too slow for the database before somebody is told. */
const SLOW_MAX = 5;

export interface Failure {
  readonly attempts: number;
  readonly error: string;
}

/** What the consumer's functions, or the commit, had against these records. */
export class RejectedError extends Error {
  override readonly name = 'RejectedError';
  readonly records: readonly TopicRecord[];

  constructor(records: readonly TopicRecord[], cause: unknown) {
    super(errorText(cause), { cause });
    this.records = records;
  }
}

/**
 * Runs a transaction that handles records. From the call of `blame` on an error is held against the records named there,
 * unless it passes; what was read and written before it is the chassis' own, and says nothing about them.
 */
export async function handling<T>(
  db: Database,
  body: (tx: Tx, blame: (records: readonly TopicRecord[]) => void) => Promise<T>,
): Promise<T> {
  let blamed: readonly TopicRecord[] = [];
  try {
    return await db.transact((tx) => {
      blamed = [];
      return body(tx, (records) => {
        blamed = records;
      });
    });
  } catch (error) {
    if (blamed.length === 0 || isPassing(error)) throw error;
    throw new RejectedError(blamed, error);
  }
}

export interface Attempts {
  /** How many records the next transaction may have. */
  limit(): number;
  /** What was tried often enough, by event id. */
  failed(): ReadonlyMap<string, Failure>;
  /** Counts a try of the only record; undefined when they were several, which are then tried one by one. */
  rejected(records: readonly TopicRecord[], error: unknown): Failure | undefined;
  /** The database gave up over so many: fewer are tried, and more again once that works. */
  tooSlow(count: number): void;
  succeeded(records: readonly TopicRecord[]): void;
  /** Forgets the tries of a record. */
  forget(record: TopicRecord): void;
  /** Whether single messages keep being too slow. */
  isStuck(): boolean;
}

export function createAttempts({ batchMax, attemptsMax }: { batchMax: number; attemptsMax: number }): Attempts {
  const failures = new Map<string, Failure>();
  const failed = new Map<string, Failure>();
  let limit = batchMax;
  /** So many of the next are tried alone: one of them fails. */
  let alone = 0;
  let slow = 0;

  function forget({ eventId }: TopicRecord): void {
    failures.delete(eventId);
    failed.delete(eventId);
  }

  return {
    limit: () => (alone > 0 ? 1 : limit),
    failed: () => failed,
    rejected(records, error) {
      const [record] = records;
      if (record === undefined || records.length > 1) {
        alone = records.length;
        return undefined;
      }
      const attempts = (failures.get(record.eventId)?.attempts ?? 0) + 1;
      const failure = { attempts, error: errorText(error) };
      failures.set(record.eventId, failure);
      if (attempts >= attemptsMax) failed.set(record.eventId, failure);
      return failure;
    },
    tooSlow(count) {
      slow = count > 1 ? 0 : slow + 1;
      limit = Math.max(1, Math.floor(count / 2));
    },
    succeeded(records) {
      for (const record of records) forget(record);
      slow = 0;
      if (alone > 0) alone = Math.max(0, alone - records.length);
      else limit = Math.min(batchMax, 2 * limit);
    },
    forget,
    isStuck: () => slow >= SLOW_MAX,
  };
}
