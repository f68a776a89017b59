// Disks that are full for a while.
import type { Arena } from '../arena.ts';
import { type Disks, fill } from '../disks.ts';
import type { Fault } from '../fault.ts';
import { signal } from '../tools.ts';

const SECONDS = 10;

function needed({ disks }: Arena): Disks {
  if (disks === undefined) throw new Error('file systems cannot be mounted here');
  return disks;
}

export const disks: readonly Fault[] = [
  {
    id: 'F18a',
    title: `PostgreSQL’s disk full for ${SECONDS} s`,
    expectation: 'writes fail cleanly, or the server ends; it comes back when there is room, and no commit is lost',
    needs: 'disks',
    inject: (arena) => fill(needed(arena).postgres, SECONDS),
  },
  {
    id: 'F18b',
    title: `the broker’s disk full for ${SECONDS} s`,
    expectation:
      'events wait in the outbox; NATS 2.9 hangs and does not come to itself, so it is killed when there is room, and nothing is lost',
    needs: 'disks',
    async inject(arena) {
      await fill(needed(arena).nats, SECONDS);
      signal(await arena.natsPid(), 'SIGKILL');
    },
  },
];
