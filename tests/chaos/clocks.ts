// The clock of one service, which faults may set: by libfaketime, where Debian's package of it is installed.
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Signs nothing, but judges tokens, holds and deadlines. */
export const CLOCK_SERVICE = 'orders';
const PLACES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((arch) => `/usr/lib/${arch}/faketime/libfaketimeMT.so.1`);
export const CLOCK_PRELOAD = fileURLToPath(new URL('one-clock.mjs', import.meta.url));

export const clockLibrary = () => PLACES.find((place) => existsSync(place));

export interface ServiceClock {
  /** What the shop must be started with. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets the service's clock so many seconds off; 0 sets it right. */
  set(offsetSeconds: number): void;
}

export function createServiceClock(library: string): ServiceClock {
  const file = join(mkdtempSync(join(tmpdir(), 'stoa-clock-')), 'offset');
  const set = (offset: number) => writeFileSync(file, `${offset < 0 ? '-' : '+'}${Math.abs(offset)}`);
  set(0);
  const env = {
    CHAOS_CLOCK_LIBRARY: library,
    CHAOS_CLOCK_FILE: file,
    CHAOS_CLOCK_SERVICE: CLOCK_SERVICE,
  };
  return { env, set };
}
