// What one shopper does, once. A scenario is given the client and a place to note how long its moments took.
import { randomUUID } from 'node:crypto';
import type { GraphQLClient } from './client.ts';
import * as documents from './documents.ts';

export interface Round {
  readonly client: GraphQLClient;
  readonly given: Readonly<Record<string, readonly string[]>>;
  /** The round's number, over all shoppers. */
  readonly n: number;
  note(moment: string, ms: number): void;
  /** Counts an outcome. */
  count(code: string): void;
}

export type Scenario = (round: Round) => Promise<void>;

const ADDRESS = {
  name: 'Bench Shopper',
  line1: 'Teststrasse 1',
  city: 'Berlin',
  postalCode: '10115',
  country: 'DE',
};
/** As long as the API lets a request wait for its outcome. */
const WAIT_MS = 5000;

const pick = (list: readonly string[] | undefined): string =>
  list?.[Math.floor(Math.random() * list.length)] ?? 'nothing was given';

function pickLines(skus: readonly string[] | undefined, count: number): { sku: string; quantity: number }[] {
  const chosen = new Set<string>();
  while (chosen.size < count) chosen.add(pick(skus));
  return [...chosen].map((sku) => ({ sku, quantity: 1 + Math.floor(Math.random() * 2) }));
}

interface PricedCart {
  readonly id: string;
  readonly totals: { readonly total: { readonly currency: string; readonly minor: string } };
}

async function place({ client, note, count }: Round, cart: PricedCart, waitMs: number): Promise<void> {
  const { currency, minor } = cart.totals.total;
  const startedAt = performance.now();
  const { result } = await client.send(documents.PLACE_ORDER, {
    input: {
      cartId: cart.id,
      idempotencyKey: randomUUID(),
      paymentMethodId: 'card',
      paymentToken: 'tok_approve',
      expectedTotal: { currency, minor },
      waitMs,
    },
  });
  note('accepted', performance.now() - startedAt);
  count(result.order.status);
}

/** Cart, 1 to 3 lines one by one, contact, address, a look at the shipping methods, shipping, order: 7 to 9 requests. */
const whole: Scenario = async (round) => {
  const { client, given, n } = round;
  const change = async (document: string, input: object) =>
    (await client.send(document, { input })).result.cart as PricedCart;
  const { id: cartId } = await change(documents.CART_CREATE, {});
  for (const line of pickLines(given.skus, 1 + (n % 3))) {
    await change(documents.CART_LINES_ADD, { cartId, lines: [line] });
  }
  await change(documents.CART_SET_DETAILS, { cartId, email: `bench-${n}@example.test` });
  await change(documents.CART_SET_DETAILS, { cartId, address: ADDRESS });
  const { shippingMethods } = await client.send(documents.SHIPPING_METHODS, { country: ADDRESS.country });
  const cart = await change(documents.CART_SET_DETAILS, { cartId, shippingMethodId: shippingMethods[0].id });
  await place(round, cart, 0);
};

/** The shortest that the API allows: a cart with everything in it, then the order. */
const shortest =
  (waitMs: number, lines: (n: number) => number): Scenario =>
  async (round) => {
    const { client, given, n } = round;
    const input = {
      lines: pickLines(given.skus, lines(n)),
      email: `bench-${n}@example.test`,
      address: ADDRESS,
      shippingMethodId: 'standard',
    };
    const { result } = await client.send(documents.CART_CREATE, { input });
    await place(round, result.cart, waitMs);
  };

/** Everybody wants the one thing there is; being told that it is gone is an outcome, not a failure. */
const flash: Scenario = async (round) => {
  const { client, given, n, count } = round;
  const line = { sku: pick(given.skus), quantity: 1 };
  const input = { lines: [line], email: `b-${n}@example.test`, address: ADDRESS, shippingMethodId: 'standard' };
  const { result } = await client.send(documents.CART_CREATE, { input });
  const { cart } = result;
  if (cart.totals.total == null || cart.problems.some((problem: { blocking: boolean }) => problem.blocking)) {
    return count('SOLD_OUT_IN_CART');
  }
  try {
    await place(round, cart, WAIT_MS);
  } catch (error) {
    if ((error as { code?: string }).code !== 'CART_HAS_PROBLEMS') throw error;
    count('SOLD_OUT_AT_CHECKOUT');
  }
};

const query =
  (document: string, variables: (given: Round['given']) => object, holds: (data: Record<string, unknown>) => boolean) =>
  async ({ client, given }: Round) => {
    if (!holds(await client.send(document, variables(given)))) throw new Error('the answer is empty');
  };

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  whole,
  short: shortest(0, (n) => 1 + (n % 3)),
  'short-waiting': shortest(WAIT_MS, (n) => 1 + (n % 3)),
  flash,
  // Against the server of constants: what a request of a checkout costs in GraphQL alone.
  'set-details': async ({ client }) => {
    const input = { cartId: '0198f2c6-7d1e-7c3a-9a57-3f2d1c9b8a70', address: ADDRESS };
    await client.send(documents.CART_SET_DETAILS, { input });
  },
  product: query(
    documents.PRODUCT,
    ({ slugs }) => ({ slug: pick(slugs) }),
    ({ product }) => product != null,
  ),
  listing: query(
    documents.LISTING,
    ({ categories }) => ({ category: pick(categories) }),
    ({ products }) => products != null,
  ),
  search: query(
    documents.SEARCH,
    ({ terms }) => ({ term: pick(terms) }),
    ({ search }) => search != null,
  ),
  // The whole of an order with its history, as a guest who holds its token.
  order: query(
    documents.ORDER_BY_ID,
    ({ tickets }) => {
      const [id, accessToken] = pick(tickets).split(' ');
      return { id, accessToken };
    },
    ({ order }) => order != null,
  ),
};
