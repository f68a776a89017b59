// How long a world may take, in virtual milliseconds, and how its parts behave when nothing is wrong.
import { NO_BUS_FAULTS } from '../ports/bus-odds.ts';
import { NO_NETWORK_FAULTS } from '../ports/network.ts';
import { NO_DATABASE_FAULTS } from '../ports/server.ts';

export const LIMITS = {
  /** To start everything and fill the shelves. */
  setupMs: 60_000,
  /** Faults end when the clients are done, or after this. */
  faultsMs: 90_000,
  /** After healing: everything settled. */
  settleMs: 1_200_000,
  /** The same while one part stays broken. */
  livenessMs: 1_200_000,
  /** To resolve what clients do not know, once everything is well. */
  resolveMs: 120_000,
  calmDatabase: NO_DATABASE_FAULTS,
  calmBus: NO_BUS_FAULTS,
  calmNetwork: NO_NETWORK_FAULTS,
} as const;
