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
  /** From its end until a new order is confirmed and every service is ready. @default 15 */
  readonly recoversWithinS?: number;
  /** What the arena must be opened with. */
  readonly needs?: 'disks' | 'clock' | 'link';
  /** What it uses when the machine has it. */
  readonly likes?: 'clock';
  /** Why it cannot be injected on this machine; undefined when it can. */
  impossible?(): string | undefined;
  /**
   * Injects the fault and heals it: when it resolves the system is left alone to recover. Shoppers buy all the while.
   * What the fault needs besides them it brings about itself: nothing may depend on what they happen to buy, nor on how
   * fast the machine is. Throws when the fault did not happen, or its expectation was not met. What it started and does
   * not wait for itself goes into `loose`: it is waited for before the data is checked. What must work meanwhile is tried
   * meanwhile: the fault lasts until it did.
   */
  inject(arena: Arena, loose: Promise<unknown>[]): Promise<void>;
}
