import { GraphQLError } from 'graphql/index.js';
import { expect, test } from 'vitest';
import type { Clients } from '../../src/graphql/clients.ts';
import { createLoaders } from '../../src/graphql/loaders.ts';

const refusal = new GraphQLError('too many look-ups');
const refuse = () => {
  throw refusal;
};
// Options are made before any client is used.
const clients = new Proxy({}, { get: () => ({}) }) as Clients;

test('every loader rejects with what the options of a call refuse, not with an error about itself', async () => {
  const { variantBySku, productById, paymentByOrder, shipmentByOrder, historyByOrder, categories } = createLoaders(
    clients,
    refuse,
    refuse,
  );
  const looks = [
    variantBySku.load('a'),
    productById.load('a'),
    paymentByOrder.load('a'),
    shipmentByOrder.load('a'),
    historyByOrder.load({ orderId: 'a', accessToken: '' }),
    categories(),
  ];
  const settled = await Promise.allSettled(looks);
  expect(settled.map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual(looks.map(() => refusal));
});
