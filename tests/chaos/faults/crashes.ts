// Processes that die at exact moments, or all at once.
import type { Arena } from '../arena.ts';
import { buyUntil } from '../buyers.ts';
import type { Fault } from '../fault.ts';
import { isAlive } from '../processes.ts';
import { seconds, signal } from '../tools.ts';

/** Only decides when a run is given up: the orders that lead to the moment are sent for as long as it takes. */
const DIES_WITHIN_MS = 90_000;

/**
 * Arms a failpoint that kills, sends orders with a card that leads there, and waits until the process has died: a fault
 * that did not happen has shown nothing.
 */
async function killedAt(
  arena: Arena,
  { service, failpoint, card }: { service: string; failpoint: string; card: string },
  loose: Promise<unknown>[],
): Promise<void> {
  const pid = await arena.pidOf(service);
  await arena.failpoints(service, failpoint);
  const until = Date.now() + DIES_WITHIN_MS;
  // Not waited for here: recovery counts from the moment of death.
  loose.push(buyUntil(arena, card, () => !isAlive(pid) || Date.now() > until));
  while (isAlive(pid) && Date.now() < until) await seconds(0.05);
  if (isAlive(pid)) throw new Error(`${service} never reached ${failpoint}`);
}

function killFault(id: string, title: string, service: string, failpoint: string, card = 'tok_approve'): Fault {
  return {
    id,
    title,
    expectation: 'the service is restarted and goes on where its database says it is',
    inject: (arena, loose) => killedAt(arena, { service, failpoint, card }, loose),
  };
}

/** Every state of the saga that something leads out of, with a card that leads into it. */
const SAGA_STATES = [
  ['RESERVING', 'tok_approve'],
  ['AUTHORIZING', 'tok_approve'],
  ['COMMITTING_STOCK', 'tok_approve'],
  ['CAPTURING', 'tok_approve'],
  ['ARRANGING_SHIPMENT', 'tok_approve'],
  ['UNDOING_AUTHORIZING', 'tok_fail_capture'],
  ['UNDOING_RESERVING', 'tok_decline'],
] as const;

export const crashes: readonly Fault[] = [
  killFault('F1', 'orders killed after commit, before publish', 'orders', 'outbox.after_commit=kill@3'),
  killFault('F2', 'orders killed after the broker’s ack, before the cursor', 'orders', 'outbox.after_ack=kill@3'),
  killFault('F3a', 'orders killed before COMMIT', 'orders', 'tx.before_commit=kill@15'),
  killFault('F3b', 'orders killed between COMMIT and its answer', 'orders', 'tx.commit_sent=kill@15'),
  killFault('F3c', 'payments killed between COMMIT and its answer', 'payments', 'tx.commit_sent=kill@10'),
  killFault('F4a', 'inventory killed in the middle of a batch', 'inventory', 'inbox.before_commit=kill@2'),
  killFault('F4b', 'payments killed after commit, before ack', 'payments', 'inbox.after_commit=kill@2'),
  ...SAGA_STATES.map(([state, card]) =>
    killFault(`F5 ${state}`, `orders killed while a saga leaves ${state}`, 'orders', `saga.${state}=kill@2`, card),
  ),
  {
    id: 'F6',
    title: 'all services killed at once',
    expectation: 'clients get UNAVAILABLE until the processes are back; the same key then answers the same order',
    recoversWithinS: 60,
    async inject(arena) {
      const pids = await Promise.all(arena.services().map((service) => arena.pidOf(service)));
      for (const pid of pids) signal(pid, 'SIGKILL');
    },
  },
];
