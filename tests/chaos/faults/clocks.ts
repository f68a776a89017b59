// Clocks that jump, of one service. Timers, holds and leases are judged by the database's clock.
import type { Arena } from '../arena.ts';
import { CLOCK_SERVICE, type ServiceClock } from '../clocks.ts';
import type { Fault } from '../fault.ts';
import { seconds } from '../tools.ts';

const HOUR = 3600;

function clockFault(id: string, title: string, turn: (clock: ServiceClock) => Promise<void>): Fault {
  return {
    id,
    title: `the clock of ${CLOCK_SERVICE} ${title}`,
    expectation: 'signed-in customers may be refused there meanwhile; no hold or saga ends early, none hangs',
    needs: 'clock',
    async inject(arena) {
      const clock = clockOf(arena);
      try {
        await turn(clock);
      } finally {
        clock.set(0);
      }
    },
  };
}

function clockOf({ clock }: Arena): ServiceClock {
  if (clock === undefined) throw new Error('the clock cannot be set here');
  return clock;
}

export const clocks: readonly Fault[] = [
  clockFault('F23a', 'two hours ahead for 8 s', async (clock) => {
    clock.set(2 * HOUR);
    await seconds(8);
  }),
  clockFault('F23b', 'an hour behind for 8 s', async (clock) => {
    clock.set(-HOUR);
    await seconds(8);
  }),
  clockFault('F23c', 'drifting by a second every 0.2 s for 8 s', async (clock) => {
    for (let drift = 1; drift <= 40; drift++) {
      clock.set(drift);
      await seconds(0.2);
    }
  }),
];
