// GraphQL with nothing behind it: our schema, constant answers. Tells its port over IPC.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSchema, createYoga } from 'graphql-yoga';

const money = { currency: 'EUR', minor: '4990', formatted: '€49.90' };
const line = {
  sku: 'SKU-1',
  quantity: 2,
  productName: 'Linen shirt',
  variantName: 'Black / M',
  imageUrl: '/images/products/linen-shirt.svg',
  unitPrice: money,
  lineTotal: money,
};
const cart = {
  id: '0198f2c6-7d1e-7c3a-9a57-3f2d1c9b8a70',
  version: 3,
  status: 'OPEN',
  problems: [],
  lines: [line, line],
  totals: { subtotal: money, shipping: money, tax: money, total: money },
};
const variant = { sku: 'SKU-1', name: 'Black / M', availability: 'IN_STOCK', price: money, options: [] };
const product = {
  id: '0198f2c6-7d1e-7c3a-9a57-3f2d1c9b8a71',
  slug: 'linen-shirt',
  name: 'Linen shirt',
  description: 'A shirt of linen.',
  imageUrl: '/images/products/linen-shirt.svg',
  availability: 'IN_STOCK',
  priceFrom: money,
  priceTo: money,
  options: [{ name: 'Size', values: ['S', 'M', 'L'] }],
  categories: [{ slug: 'shirts', name: 'Shirts' }],
  variants: [variant, variant, variant],
};
const edges = Array.from({ length: 20 }, () => ({ cursor: 'constant', node: product }));

const yoga = createYoga({
  schema: createSchema({
    typeDefs: readFileSync(new URL('../../bff/schema.graphql', import.meta.url), 'utf8'),
    resolvers: {
      Query: {
        product: () => product,
        products: () => ({ edges, pageInfo: { hasNextPage: true, endCursor: 'constant' } }),
      },
      Mutation: { cartSetDetails: () => ({ __typename: 'CartSetDetailsPayload', cart }) },
    },
    resolverValidationOptions: { requireResolversForResolveType: 'ignore' },
  }),
  graphqlEndpoint: '/graphql',
  logging: false,
});
const server = createServer(yoga);
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
