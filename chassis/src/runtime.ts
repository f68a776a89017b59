// The ambient world as ports: time, identity, randomness and background work. Handlers, consumers, sagas and jobs
// get these from their context and from nowhere else, so that a simulation can drive the same code with a virtual
// clock and a seed. Only this file and the adapters may touch the real ones.
import { randomBytes, randomInt } from 'node:crypto';

export interface Clock {
  /** Wall clock of this process. Decisions about stored data use the database's `now()` instead. */
  now(): Date;
  /** Milliseconds that only go forward, for measuring and for deadlines. */
  monotonicMs(): number;
  /** Resolves after `ms`; resolves early, without error, when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Ids {
  /** A new UUIDv7: sortable by time, 74 random bits. */
  uuid(): string;
}

export interface Random {
  /** An integer from 0 up to, but not including, `bound`. */
  below(bound: number): number;
  bytes(length: number): Uint8Array;
}

export interface Runtime {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}

/** UUIDv7 (RFC 9562) from a time in milliseconds and 10 random bytes. */
export function uuidV7(timeMs: number, random: Uint8Array): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(timeMs, 0, 6);
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const POOL_BYTES = 4096;

/** Cuts random bytes from a pool, each once: asking the system for ten costs as much as asking for thousands. */
function createEntropy(): (length: number) => Uint8Array {
  let pool = Buffer.alloc(0);
  let used = 0;
  return (length) => {
    if (used + length > pool.length) {
      pool = randomBytes(POOL_BYTES);
      used = 0;
    }
    used += length;
    return pool.subarray(used - length, used);
  };
}

/** The real clock, ids and randomness of this process. */
export function systemRuntime(): Runtime {
  const entropy = createEntropy();
  return {
    clock: { now: () => new Date(), monotonicMs: () => performance.now(), sleep },
    ids: { uuid: () => uuidV7(Date.now(), entropy(10)) },
    random: { below: (bound) => randomInt(bound), bytes: (length) => randomBytes(length) },
  };
}
