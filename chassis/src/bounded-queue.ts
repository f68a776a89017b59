// A small bounded queue in front of work that could saturate the machine: it gets a fixed share of it, and what would
// wait longer than it is worth is shed at once.
import { Code } from '@connectrpc/connect';
import { refuse } from './rpc/errors.ts';

export interface BoundedQueueOptions {
  readonly concurrency: number;
  readonly waitingMax: number;
}

/**
 * Runs tasks in order, at most `concurrency` at once; a caller that gave up while waiting costs nothing. Refuses with
 * RESOURCE_EXHAUSTED(OVERLOADED) when `waitingMax` wait.
 */
export type BoundedQueue = <T>(task: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

export function createBoundedQueue({ concurrency, waitingMax }: BoundedQueueOptions): BoundedQueue {
  const waiting = new Set<() => void>();
  let running = 0;

  const turn = (signal?: AbortSignal): Promise<void> => {
    if (running < concurrency) {
      running += 1;
      return Promise.resolve();
    }
    if (waiting.size >= waitingMax) {
      return Promise.reject(refuse(Code.ResourceExhausted, 'OVERLOADED', 'too many requests at once; try again'));
    }
    return new Promise((resolve, reject) => {
      const start = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        waiting.delete(start);
        reject(signal?.reason);
      };
      waiting.add(start);
      signal?.addEventListener('abort', leave, { once: true });
    });
  };

  const handOver = () => {
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    // The place is passed on, not given back: nobody can slip in between.
    waiting.delete(next);
    next();
  };

  return async (task, signal) => {
    signal?.throwIfAborted();
    await turn(signal);
    try {
      return await task();
    } finally {
      handOver();
    }
  };
}
