// Processes that die at exact moments, or all at once.
import type { Arena } from '../arena.ts';
import { isAlive } from '../arena.ts';
import type { Fault } from '../fault.ts';
import { seconds, signal } from '../tools.ts';

const DIES_WITHIN_SECONDS = 20;

/** Arms a failpoint that kills, and waits until it has: a fault that did not happen has shown nothing. */
async function killedAt(arena: Arena, service: string, failpoint: string): Promise<void> {
  const pid = arena.pidOf(service);
  await arena.failpoints(service, failpoint);
  for (let waited = 0; isAlive(pid); waited += 0.1) {
    if (waited > DIES_WITHIN_SECONDS) throw new Error(`${service} never reached ${failpoint}`);
    await seconds(0.1);
  }
}

function killFault(id: string, title: string, service: string, failpoint: string): Fault {
  return {
    id,
    title,
    expectation: 'the service is restarted and goes on where its database says it is',
    inject: (arena) => killedAt(arena, service, failpoint),
  };
}

const SAGA_STATES = [
  'RESERVING',
  'AUTHORIZING',
  'COMMITTING_STOCK',
  'CAPTURING',
  'ARRANGING_SHIPMENT',
  'UNDOING_RESERVING',
];

export const crashes: readonly Fault[] = [
  killFault('F1', 'orders killed after commit, before publish', 'orders', 'outbox.after_commit=kill@3'),
  killFault('F2', 'orders killed after the broker’s ack, before the cursor', 'orders', 'outbox.after_ack=kill@3'),
  killFault('F3a', 'orders killed before COMMIT', 'orders', 'tx.before_commit=kill@15'),
  killFault('F3b', 'orders killed between COMMIT and its answer', 'orders', 'tx.commit_sent=kill@15'),
  killFault('F3c', 'payments killed between COMMIT and its answer', 'payments', 'tx.commit_sent=kill@10'),
  killFault('F4a', 'inventory killed in the middle of a batch', 'inventory', 'inbox.before_commit=kill@2'),
  killFault('F4b', 'payments killed after commit, before ack', 'payments', 'inbox.after_commit=kill@2'),
  ...SAGA_STATES.map((state) =>
    killFault(`F5 ${state}`, `orders killed while a saga leaves ${state}`, 'orders', `saga.${state}=kill@2`),
  ),
  {
    id: 'F6',
    title: 'all services killed at once',
    expectation: 'clients get UNAVAILABLE until the processes are back; the same key then answers the same order',
    async inject(arena) {
      for (const service of arena.services()) signal(arena.pidOf(service), 'SIGKILL');
    },
  },
];
