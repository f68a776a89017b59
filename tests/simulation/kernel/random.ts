// Seeded randomness. Every part of a world draws from a stream of its own, so that one more draw here does not change
// what happens there.

export interface Rng {
  /** From 0 up to, but not including, 1. */
  next(): number;
  /** An integer from 0 up to, but not including, `bound`. */
  below(bound: number): number;
  /** A number from `low` to `high`. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  shuffle<T>(list: readonly T[]): T[];
  bytes(length: number): Uint8Array;
  /** A stream of its own, determined by this stream's seed and the name alone. */
  fork(name: string): Rng;
}

function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** sfc32: small, fast, and passes the usual tests. */
function sfc32(seed: string): () => number {
  let [a, b, c, d] = [hash(seed), hash(`${seed}/b`), hash(`${seed}/c`), 1];
  const step = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 12; i++) step();
  return step;
}

export function createRng(seed: string): Rng {
  const next = sfc32(seed);
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    next,
    below,
    between: (low, high) => low + next() * (high - low),
    chance: (probability) => next() < probability,
    pick: (list) => list[below(list.length)] as never,
    shuffle(list) {
      const copy = [...list];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [copy[i], copy[j]] = [copy[j] as never, copy[i] as never];
      }
      return copy;
    },
    bytes: (length) => Uint8Array.from({ length }, () => below(256)),
    fork: (name) => createRng(`${seed}/${name}`),
  };
}
