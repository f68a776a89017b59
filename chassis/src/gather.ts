// Gathers what many requests ask of the database at the same time: items that arrive while others are being dealt with
// wait and go together in the next batch. Alone, an item goes at once; under load the batches grow by themselves, and
// there is no timer to tune. Nothing is remembered: a batch begins after each of its items was submitted, so every
// answer is as fresh, and every write as durable, as if the item had gone alone.
import { SqlState, sqlState } from './postgres/database.ts';
import type { Clock } from './runtime.ts';

export interface GatherOptions<In, Out> {
  /** @default 64 */
  readonly batchMax?: number;
  /**
   * Batches under way at once. The further ones are for when the first is slow or more waits than a batch holds: two
   * lanes that are always open make two half batches of one. @default 2
   */
  readonly lanes?: number;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Items with the same key never share a batch, and keep their order within the queue. */
  readonly keyOf?: (item: In) => string;
  /**
   * Errors of `run` that are about one of the items, besides those by which the database refused one: each of the batch
   * then goes alone. @default none
   */
  readonly isAboutOne?: (error: unknown) => boolean;
  /** One result for each item, in order. It must be all or nothing: when it throws, none of its items was done. */
  readonly run: (batch: readonly In[]) => Promise<readonly Out[]>;
}

interface Waiting<In, Out> {
  readonly item: In;
  readonly resolve: (result: Out) => void;
  readonly reject: (error: unknown) => void;
}

const BATCH_MAX = 64;
const LANES = 2;
/** How long the batches under way may take before the next item opens another lane. */
const PATIENCE_MS = 75;

/** Lock timeouts of items that go alone, until it is no longer one item that holds up its batch. */
const LOCKED_MAX = 3;

const isLocked = (error: unknown) => sqlState(error) === SqlState.lockNotAvailable;

/**
 * Errors by which the server refused one of the items: data that it cannot store, a constraint, a row that somebody else
 * has locked. Whatever else went wrong, a lost connection above all, may have been done: it is the business of each
 * item's owner.
 */
const blamesAnItem = (error: unknown) => isLocked(error) || /^2[23]/.test(sqlState(error) ?? '');

/** Returns the function that submits an item and resolves with its result. */
export function gather<In, Out>(options: GatherOptions<In, Out>): (item: In) => Promise<Out> {
  const { batchMax = BATCH_MAX, lanes = LANES, clock, keyOf, isAboutOne, run } = options;
  let queue: Waiting<In, Out>[] = [];
  let busy = 0;
  let lastBegunMs = 0;

  function take(): Waiting<In, Out>[] {
    if (keyOf === undefined) return queue.splice(0, batchMax);
    const keys = new Set<string>();
    const batch: Waiting<In, Out>[] = [];
    const left: Waiting<In, Out>[] = [];
    for (const waiting of queue) {
      const key = keyOf(waiting.item);
      if (batch.length < batchMax && !keys.has(key)) batch.push(waiting);
      else left.push(waiting);
      keys.add(key);
    }
    queue = left;
    return batch;
  }

  async function settle(batch: readonly Waiting<In, Out>[], refused = refuse): Promise<void> {
    try {
      const results = await run(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Out);
    } catch (error) {
      await refused(batch, error);
    }
  }

  async function refuse(batch: readonly Waiting<In, Out>[], error: unknown): Promise<void> {
    // One item that cannot be stored must not take the others with it.
    const isOnes = blamesAnItem(error) || isAboutOne?.(error) === true;
    if (batch.length > 1 && isOnes) return oneByOne(batch);
    for (const { reject } of batch) reject(error);
  }

  async function oneByOne(batch: readonly Waiting<In, Out>[]): Promise<void> {
    const locked: unknown[] = [];
    for (const waiting of batch) {
      if (locked.length === LOCKED_MAX) waiting.reject(locked.at(-1));
      else
        await settle([waiting], async (_, error) => {
          if (isLocked(error)) locked.push(error);
          waiting.reject(error);
        });
    }
  }

  const isLate = () => queue.length > batchMax || clock.monotonicMs() - lastBegunMs > PATIENCE_MS;

  async function work(): Promise<void> {
    busy += 1;
    while (queue.length > 0) {
      lastBegunMs = clock.monotonicMs();
      await settle(take());
    }
    busy -= 1;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject });
      if (busy === 0 || (busy < lanes && isLate())) void work();
    });
}
