// Which faults are injected, in which order.
import type { Fault } from './fault.ts';
import { clocks } from './faults/clocks.ts';
import { crashes } from './faults/crashes.ts';
import { crowds } from './faults/crowds.ts';
import { disks } from './faults/disks.ts';
import { freezes } from './faults/freezes.ts';
import { network } from './faults/network.ts';
import { operators } from './faults/operators.ts';
import { randomKills } from './faults/random.ts';
import { shoppers } from './faults/shoppers.ts';
import { slow } from './faults/slow.ts';
import { stores } from './faults/stores.ts';

export const FAULTS: readonly Fault[] = [
  ...crashes,
  ...freezes,
  ...stores,
  ...disks,
  ...network,
  ...slow,
  ...clocks,
  ...shoppers,
  ...crowds,
  ...operators,
  ...randomKills,
];

/** A few minutes' worth for every commit: one of each kind. */
const CI = [
  'F2',
  'F3b',
  'F4a',
  'F5 CAPTURING',
  'F5 UNDOING_RESERVING',
  'F6',
  'F9',
  'F10',
  'F11b',
  'F14',
  'F15',
  'F16c',
  'F22',
  'F25',
  'F29',
  'F30',
];

export const faultsNamed = (ids: readonly string[]): Fault[] =>
  ids.map((id) => {
    const found = FAULTS.find((fault) => fault.id === id);
    if (found === undefined)
      throw new Error(`there is no fault "${id}"; there are ${FAULTS.map((f) => f.id).join(', ')}`);
    return found;
  });

export const ciFaults = (): Fault[] => faultsNamed(CI);
export const shortFaults = (): Fault[] => FAULTS.filter(({ long }) => long !== true);
