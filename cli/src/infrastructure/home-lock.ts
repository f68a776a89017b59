// One `stoa start` a home at a time.
//
// Every process that wants the home puts down its own claim file, named after its id and start time, and then looks
// whether another live process has one. Nobody ever takes over or deletes the file of a live process, so there is no
// moment at which two can both believe to hold the lock; the claim of a dead process simply does not count. Two that
// arrive together both step back and try again after a random pause.

import { randomBytes, randomInt } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { markOf, processState } from './processes.ts';

const attemptsMax = 5;
const pauseMinMs = 20;
const pauseMaxMs = 120;

/** Takes the exclusive lock on `home`; refuses with one sentence when a live process holds it. */
export async function lockHome(home: string): Promise<() => void> {
  const claims = join(home, 'lock');
  mkdirSync(claims, { recursive: true });
  const own = `${markOf(process.pid)}-${randomBytes(4).toString('hex')}`;
  const release = () => rmSync(join(claims, own), { force: true });
  for (let attempt = 1; ; attempt += 1) {
    writeFileSync(join(claims, own), '');
    const holder = otherHolder(claims, own);
    if (holder === undefined) return release;
    release();
    if (attempt === attemptsMax) {
      throw new Error(`Stoa is already running in ${home} (process ${holder}): stop it first.`);
    }
    await sleep(randomInt(pauseMinMs, pauseMaxMs));
  }
}

function otherHolder(claims: string, own: string): number | undefined {
  for (const name of readdirSync(claims)) {
    if (name === own) continue;
    const [pid = '', startTime] = name.split('-');
    const now = processState(Number(pid));
    if (now.alive && (startTime === '0' || now.startTime === null || now.startTime === startTime)) return Number(pid);
    // Dead, or its id belongs to another process now: neither can come back, so tidying up races with nobody.
    rmSync(join(claims, name), { force: true });
  }
  return undefined;
}
