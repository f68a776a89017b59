// What a fault is: something done to the running system, and what is expected of the system all the same.
import type { Arena } from './arena.ts';

export interface Fault {
  /** Number in the fault matrix, with a suffix where one number has several. */
  readonly id: string;
  readonly title: string;
  /** In one sentence, what users may notice. Correctness is expected of every fault. */
  readonly expectation: string;
  /** Only in the long schedule: it takes minutes. */
  readonly long?: boolean;
  /** Why it cannot be injected on this machine; undefined when it can. */
  impossible?(): string | undefined;
  /** Injects the fault and heals it: when it resolves the system is left alone to recover. */
  inject(arena: Arena): Promise<void>;
}
