// A process of the world: everything that its code does outside itself goes through here, so it can be killed at any
// await (nothing it waits for ever comes), paused (everything waits until it goes on), and its wall clock set wrong.
import type { Clock, Ids, Random, Runtime } from '@stoa/chassis/runtime';
import { uuidV7 } from '@stoa/chassis/runtime';
import { type Kernel, WORLD_BEGINS } from '../kernel/kernel.ts';
import type { Rng } from '../kernel/random.ts';

export type Life = 'running' | 'paused' | 'dead';

/** More port calls than this in one moment: a loop that waits for nothing. */
const CALLS_IN_A_MOMENT_MAX = 20_000;

/** What a killed process waits for. */
export const never = <T>(): Promise<T> => new Promise<T>(() => {});

/** One life of a process, from its start to its end. */
export class Incarnation {
  readonly name: string;
  readonly kernel: Kernel;
  readonly rng: Rng;
  skewMs = 0;
  life: Life = 'running';
  /** Port calls until it is killed; Infinity when nobody is after it. */
  fuse = Number.POSITIVE_INFINITY;
  /** Called when it dies: closes what it holds elsewhere. */
  readonly onDeath = new Set<() => void>();
  onFuse: () => void = () => {};
  onSpin: () => void = () => {};
  #waiting: (() => void)[] = [];
  #momentAt = -1;
  #callsInMoment = 0;

  constructor(name: string, kernel: Kernel, rng: Rng) {
    this.name = name;
    this.kernel = kernel;
    this.rng = rng;
  }

  /** At the beginning of each port call: whether the process is still there to make it. */
  enter(): boolean {
    if (this.life === 'dead') return false;
    if (this.#momentAt !== this.kernel.now) {
      this.#momentAt = this.kernel.now;
      this.#callsInMoment = 0;
    }
    if (++this.#callsInMoment > CALLS_IN_A_MOMENT_MAX) {
      this.onSpin();
      return false;
    }
    if (--this.fuse <= 0) {
      this.fuse = Number.POSITIVE_INFINITY;
      this.onFuse();
      return false;
    }
    return true;
  }

  /** Runs a continuation of the process's own code now, when it goes on, or never. */
  deliver(continuation: () => void): void {
    if (this.life === 'running') continuation();
    else if (this.life === 'paused') this.#waiting.push(continuation);
  }

  /** Something that comes to the process after a while. */
  later(delayMs: number, what: string, continuation: () => void): { cancel(): void } {
    return this.kernel.schedule(delayMs, this.name, what, () => this.deliver(continuation));
  }

  /** Something that takes a while and then gives a value or an error. */
  wait(delayMs: number, what: string): Promise<void> {
    if (!this.enter()) return never();
    return new Promise((resolve) => this.later(delayMs, what, resolve));
  }

  pause(): void {
    if (this.life === 'running') this.life = 'paused';
  }

  resume(): void {
    if (this.life !== 'paused') return;
    this.life = 'running';
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const continuation of waiting) this.later(0, 'goes on', continuation);
  }

  kill(): void {
    if (this.life === 'dead') return;
    this.life = 'dead';
    this.fuse = Number.POSITIVE_INFINITY;
    this.#waiting = [];
    const closing = [...this.onDeath];
    this.onDeath.clear();
    for (const close of closing) close();
  }

  runtime(): Runtime {
    return { clock: this.#clock(), ids: this.#ids(), random: this.#random() };
  }

  #clock(): Clock {
    return {
      now: () => new Date(WORLD_BEGINS + Math.floor(this.kernel.now) + this.skewMs),
      monotonicMs: () => this.kernel.now,
      sleep: (ms, signal) => {
        if (!this.enter()) return never();
        if (signal?.aborted) return Promise.resolve();
        return new Promise((resolve) => {
          const done = () => {
            timer.cancel();
            signal?.removeEventListener('abort', done);
            resolve();
          };
          // Real timers know whole milliseconds, and no zero.
          const timer = this.later(Math.max(1, Math.ceil(ms)), 'wakes', done);
          signal?.addEventListener('abort', done);
        });
      },
    };
  }

  #ids(): Ids {
    const rng = this.rng.fork('ids');
    return { uuid: () => uuidV7(WORLD_BEGINS + Math.floor(this.kernel.now) + this.skewMs, rng.bytes(10)) };
  }

  #random(): Random {
    const rng = this.rng.fork('random');
    return { below: (bound) => rng.below(bound), bytes: (length) => rng.bytes(length) };
  }
}
