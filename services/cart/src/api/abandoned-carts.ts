// The job that gives up what guests left behind: in chunks, so that no statement holds many rows for long.
import type { JobDefinition } from '@stoa/chassis/service';
import type { CartContext } from '../context.ts';
import { deleteAbandoned } from '../infrastructure/abandoned-carts.ts';

const CHUNK = 500;
const HOUR_MS = 3_600_000;

export const abandonedCarts: JobDefinition<CartContext> = {
  name: 'abandoned-carts',
  everyMs: HOUR_MS,
  async run({ db, metrics }) {
    const deleted = await deleteAbandoned(db, CHUNK);
    metrics.count('cart_abandoned_total', 'Carts deleted because their guests never came back', {}, deleted);
    return deleted === CHUNK;
  },
};
