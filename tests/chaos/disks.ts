// Disks of their own for PostgreSQL and NATS: file systems in memory, so that filling one fills nobody else's.
import { execFileSync } from 'node:child_process';
import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { seconds } from './tools.ts';

export interface Disks {
  readonly postgres: string;
  readonly nats: string;
}

/** What they could grow to: NATS refuses streams that it could not store when they are full. */
const SIZE = '32g';

/** Mounts them at a home that nothing runs on yet; undefined where that is not allowed. */
export function mountDisks(home: string): Disks | undefined {
  const disks = { postgres: join(home, 'postgres'), nats: join(home, 'nats') };
  const mounted: string[] = [];
  try {
    for (const folder of Object.values(disks)) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const options = ['-t', 'tmpfs', '-o', `size=${SIZE},mode=700`, 'stoa-chaos', folder];
      execFileSync('mount', options, { stdio: 'ignore' });
      mounted.push(folder);
    }
    return disks;
  } catch {
    for (const folder of mounted) execFileSync('umount', [folder], { stdio: 'ignore' });
    return undefined;
  }
}

export function unmountDisks({ postgres, nats }: Disks): void {
  for (const folder of [postgres, nats]) execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
}

/** Leaves no room on a disk for a while: it is made as small as what it holds, again and again as files go away. */
export async function fill(disk: string, forSeconds: number): Promise<void> {
  try {
    for (const until = Date.now() + forSeconds * 1000; Date.now() < until; await seconds(0.1)) shrink(disk);
  } finally {
    resize(disk, SIZE);
  }
}

/** A disk that grew between the look and the deed keeps its size until the next try. */
function shrink(disk: string): void {
  const { blocks, bfree, bsize } = statfsSync(disk);
  if (bfree === 0) return;
  try {
    resize(disk, String((blocks - bfree) * bsize));
  } catch {
    // The next round.
  }
}

function resize(disk: string, size: string): void {
  execFileSync('mount', ['-o', `remount,size=${size}`, disk], { stdio: 'ignore' });
}
