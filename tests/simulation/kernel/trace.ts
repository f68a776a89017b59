// What happened, in order: the last lines in full, everything as a hash.

export interface Trace {
  add(atMs: number, actor: string, what: string): void;
  /** The last lines, oldest first. */
  last(count: number): string[];
  hash(): string;
  /** Receives every line as it is added. */
  listener: ((line: string) => void) | undefined;
}

const KEPT = 4096;

export function createTrace(): Trace {
  const lines: string[] = new Array(KEPT);
  let count = 0;
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  return {
    listener: undefined,
    add(atMs, actor, what) {
      const line = `${atMs.toFixed(3)} ${actor} ${what}`;
      for (let i = 0; i < line.length; i++) {
        const code = line.charCodeAt(i);
        a = Math.imul(a ^ code, 0x01000193);
        b = Math.imul(b + code, 0x85ebca6b) ^ (b >>> 13);
      }
      lines[count++ % KEPT] = line;
      this.listener?.(line);
    },
    last(wanted) {
      const from = Math.max(0, count - Math.min(wanted, KEPT));
      return Array.from({ length: count - from }, (_, index) => lines[(from + index) % KEPT] as string);
    },
    hash: () => (a >>> 0).toString(16).padStart(8, '0') + (b >>> 0).toString(16).padStart(8, '0'),
  };
}
