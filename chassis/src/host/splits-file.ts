// Splits of calls from a file that a rollout writes (STOA_SPLITS), read again and again: weights change while processes
// run, and a process that is started anew begins with those of now. `{"orders": {"address": "127.0.0.1:6001",
// "percent": 10}}`, replaced as a whole by renaming.
import { readFileSync } from 'node:fs';
import type { Log } from '../log.ts';
import type { Split, Splits } from '../rpc/split.ts';
import type { Clock } from '../runtime.ts';

const LOOK_MS = 200;

/** Reads what the file says; throws when that is no set of splits. */
export function readSplits(text: string): ReadonlyMap<string, Split> {
  const found = Object.entries(JSON.parse(text) as Record<string, Partial<Split>>);
  return new Map(
    found.map(([service, { address, percent }]) => {
      const isPercent = typeof percent === 'number' && Number.isInteger(percent) && percent >= 0 && percent <= 100;
      if (typeof address !== 'string' || !/^\S+:\d+$/.test(address) || !isPercent) {
        throw new Error(`the split of ${service} needs an address (host:port) and a percent from 0 to 100`);
      }
      return [service, { address, percent }];
    }),
  );
}

/** Follows the file. What cannot be read changes nothing: the splits before it stay. */
export function followSplits(path: string, clock: Clock, log: Log) {
  let text: string | undefined;
  let splits: ReadonlyMap<string, Split> = new Map();
  const look = () => {
    try {
      const now = readFileSync(path, 'utf8');
      if (now === text) return;
      text = now;
      splits = readSplits(now);
    } catch (error) {
      log.warn('the file of splits cannot be read', { error });
    }
  };
  look();
  const of: Splits = (service) => splits.get(service);
  return {
    of,
    async run(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await clock.sleep(LOOK_MS, signal);
        look();
      }
    },
  };
}
