import { failedPrecondition } from '@stoa/chassis/rpc/errors';
import { expect, test } from 'vitest';
import { fillShelves } from '../../src/start/seeding.ts';

/** A shop whose catalog answers every product with that. */
async function seedingWith(error: Error): Promise<string[]> {
  const told: string[] = [];
  const refuse = () => Promise.reject(error);
  const clients = {
    catalog: {
      upsertCategories: async () => ({}),
      upsertProducts: refuse,
      getVariants: async () => ({ variants: [] }),
    },
    inventory: { getStock: async () => ({ levels: [] }), receiveStock: async () => ({}) },
  };
  await fillShelves(clients as never, (line) => told.push(line));
  return told;
}

test('a shop that refuses what is seeded starts, and says why', async () => {
  const told = await seedingWith(failedPrecondition('SLUG_TAKEN', 'linen-shirt belongs to another one'));
  expect(told.at(-1)).toBe('nothing more, because linen-shirt belongs to another one');
});

test('a shop that cannot answer does not start', async () => {
  await expect(seedingWith(new Error('no database'))).rejects.toThrow('no database');
});
