// One fault of each kind on the split system, on every commit; the whole schedule is `npm run chaos`.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Arena, openArena } from '../chaos/arena.ts';
import { runFault } from '../chaos/run-fault.ts';
import { ciFaults } from '../chaos/schedule.ts';

const ORDERS = 25;
const FAULT_LIMIT_MS = 300_000;

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
}, FAULT_LIMIT_MS);
afterAll(() => arena.stop(), FAULT_LIMIT_MS);

describe('no order is lost, and the audit is clean, after', () => {
  it.for(ciFaults().map((fault) => [`${fault.id}: ${fault.title}`, fault] as const))(
    '%s',
    { timeout: FAULT_LIMIT_MS },
    async ([, fault]) => {
      const outcome = await runFault(arena, fault, ORDERS);
      expect(outcome).toMatchObject({ impossible: undefined, violations: [] });
    },
  );
});
