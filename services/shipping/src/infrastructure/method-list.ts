// The methods in memory, so that listing them, which every cart does on every change, costs no query. Replaced as a
// whole by the job refresh-methods; when the database is away, the last list goes on being served.
import type { Queryable } from '@stoa/chassis/postgres/database';
import type { Method } from '../domain/method.ts';
import { readOfferedMethods } from './methods.ts';

export interface MethodList {
  current(): readonly Method[];
  /** Reads the methods again; throws, and keeps the list, when they cannot be read. */
  refresh(): Promise<void>;
}

/** Reads the methods for the first time: a process without them does not start. */
export async function loadMethodList(db: Queryable): Promise<MethodList> {
  let methods = await readOfferedMethods(db);
  return {
    current: () => methods,
    async refresh() {
      methods = await readOfferedMethods(db);
    },
  };
}
