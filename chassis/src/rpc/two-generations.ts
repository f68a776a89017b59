// A bounded map that forgets what was not used lately. Two generations instead of a linked list: a hit in the young
// one, which is the usual case, costs one look-up and moves nothing.

export interface BoundedMap<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
  clear(): void;
  readonly size: number;
}

/**
 * Holds at least the entries used last that weigh `capacity / 2` together, and never more than `capacity`. Without
 * `weigh` each weighs 1; an entry that alone weighs more than half of the capacity is not kept.
 */
export function createBoundedMap<Value>(
  capacity: number,
  weigh: (key: string, value: Value) => number = () => 1,
): BoundedMap<Value> {
  const half = Math.max(1, Math.floor(capacity / 2));
  let young = new Map<string, Value>();
  let youngWeight = 0;
  let old = new Map<string, Value>();
  const removeYoung = (key: string) => {
    const value = young.get(key);
    if (value === undefined) return;
    young.delete(key);
    youngWeight -= weigh(key, value);
  };
  const insert = (key: string, value: Value) => {
    removeYoung(key);
    old.delete(key);
    const weight = weigh(key, value);
    if (weight > half) return;
    if (youngWeight + weight > half) {
      old = young;
      young = new Map();
      youngWeight = 0;
    }
    young.set(key, value);
    youngWeight += weight;
  };
  return {
    get(key) {
      const value = young.get(key);
      if (value !== undefined) return value;
      const older = old.get(key);
      if (older !== undefined) insert(key, older);
      return older;
    },
    set: insert,
    delete(key) {
      removeYoung(key);
      old.delete(key);
    },
    clear() {
      young = new Map();
      youngWeight = 0;
      old = new Map();
    },
    get size() {
      return young.size + old.size;
    },
  };
}
