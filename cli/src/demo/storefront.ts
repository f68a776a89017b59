// A lean typed storefront over the shop's GraphQL: what the demo, the end-to-end tests and a load test need of it, and
// no more. Unions come back as {ok: true, ...} or {ok: false, code, ...}; nothing is retried here (see patience.ts).
import { type GraphQLClient, openGraphQL, type Result } from './graphql.ts';
import * as documents from './storefront-documents.ts';

export interface Money {
  readonly currency: string;
  /** Integer minor units, as text. */
  readonly minor: string;
}

export interface Address {
  readonly name: string;
  readonly line1: string;
  readonly line2?: string;
  readonly city: string;
  readonly postalCode: string;
  readonly country: string;
}

export interface Line {
  readonly sku: string;
  readonly quantity: number;
}

export interface Details {
  readonly email?: string;
  readonly address?: Address;
  readonly shippingMethodId?: string;
}

export interface Cart {
  readonly id: string;
  readonly version: number;
  readonly status: 'OPEN' | 'ORDERED';
  readonly orderId: string | null;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
  readonly problems: readonly { readonly kind: string; readonly sku: string | null; readonly blocking: boolean }[];
  readonly totals: { readonly total: Money | null } | null;
}

export type OrderStatus = 'PENDING' | 'CONFIRMED' | 'REJECTED' | 'CANCELLED';

export interface Order {
  readonly id: string;
  readonly number: string;
  readonly version: number;
  readonly status: OrderStatus;
  readonly reason: string | null;
  readonly trackingNumber: string | null;
  readonly totals: { readonly total: Money };
}

export interface PlaceOrder {
  readonly cartId: string;
  readonly idempotencyKey: string;
  readonly paymentMethodId: string;
  readonly paymentToken: string;
  readonly expectedTotal?: Money;
  readonly waitMs?: number;
}

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

export interface Offer {
  readonly sku: string;
  readonly availability: 'IN_STOCK' | 'LOW' | 'OUT_OF_STOCK';
  readonly price: Money;
}

/** Who asks: a guest, or the holder of an access token. */
export interface Caller {
  readonly accessToken?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Names an order that a guest may read. */
export interface OrderTicket {
  readonly id: string;
  readonly accessToken: string;
}

/** Root fields that one request may have. */
export const ORDERS_AT_ONCE = 10;

type Union<T> = ({ readonly __typename: string } & T) | FailureShape;
interface FailureShape {
  readonly __typename: 'Refused' | 'InvalidInput';
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

export type Storefront = ReturnType<typeof openStorefront>;

export function openStorefront(url: string, connections: number) {
  const graphql = openGraphQL(url, connections);
  const mutate = <T>(document: string, input: object, caller: Caller = {}) =>
    mutation<T>(graphql, document, input, caller);
  const read = async <T>(query: string, variables: Record<string, unknown> = {}, caller: Caller = {}) =>
    graphql.send<T>({ query, variables, ...caller });
  return {
    createCart: (input: Details & { lines?: readonly Line[]; currency?: string }, caller?: Caller) =>
      mutate<{ cart: Cart }>(documents.CART_CREATE, input, caller),
    addLines: (cartId: string, lines: readonly Line[], caller?: Caller) =>
      mutate<{ cart: Cart }>(documents.CART_LINES_ADD, { cartId, lines }, caller),
    setDetails: (cartId: string, details: Details, caller?: Caller) =>
      mutate<{ cart: Cart }>(documents.CART_SET_DETAILS, { cartId, ...details }, caller),
    placeOrder: (input: PlaceOrder, caller?: Caller) =>
      mutate<{ order: Order; accessToken: string; repeated: boolean }>(documents.PLACE_ORDER, input, caller),
    cancelOrder: (input: { orderId: string; accessToken?: string; reason?: string }, caller?: Caller) =>
      mutate<{ order: Order }>(documents.CANCEL_ORDER, input, caller),
    register: (input: { email: string; name: string; password: string }) =>
      mutate<{ tokens: Tokens }>(documents.REGISTER, input),
    login: (input: { email: string; password: string }) => mutate<{ tokens: Tokens }>(documents.LOGIN, input),
    refresh: (refreshToken: string) => mutate<{ tokens: Tokens }>(documents.REFRESH, { refreshToken }),
    async order({ id, accessToken }: OrderTicket, caller?: Caller): Promise<Result<{ order: Order | null }>> {
      const answer = await read<{ order: Order | null }>(documents.ORDER, { id, accessToken }, caller);
      return answer.ok ? { ok: true, order: answer.data.order } : answer;
    },
    /** Several orders in one request, at most ORDERS_AT_ONCE; null for one that is not there. */
    async orders(tickets: readonly OrderTicket[], caller?: Caller): Promise<Result<{ orders: (Order | null)[] }>> {
      const variables = Object.fromEntries(
        tickets.flatMap(({ id, accessToken }, n) => [
          [`i${n}`, id],
          [`t${n}`, accessToken],
        ]),
      );
      const answer = await read<Record<string, Order | null>>(
        documents.ordersDocument(tickets.length),
        variables,
        caller,
      );
      return answer.ok ? { ok: true, orders: tickets.map((_, n) => answer.data[`o${n}`] ?? null) } : answer;
    },
    /** Every variant on sale, a page of products at a time. */
    async offers(after: string | null): Promise<Result<{ offers: Offer[]; next: string | null }>> {
      const answer = await read<documents.ProductsAnswer<Offer>>(documents.PRODUCTS, { after });
      if (!answer.ok) return answer;
      const { edges, pageInfo } = answer.data.products;
      const offers = edges.flatMap(({ node }) => node.variants);
      return { ok: true, offers, next: pageInfo.hasNextPage ? pageInfo.endCursor : null };
    },
    async shippingMethods(country: string): Promise<Result<{ ids: string[] }>> {
      const answer = await read<{ shippingMethods: { id: string }[] }>(documents.SHIPPING_METHODS, { country });
      return answer.ok ? { ok: true, ids: answer.data.shippingMethods.map(({ id }) => id) } : answer;
    },
    async paymentMethods(): Promise<Result<{ ids: string[] }>> {
      const answer = await read<{ paymentMethods: { id: string }[] }>(documents.PAYMENT_METHODS);
      return answer.ok ? { ok: true, ids: answer.data.paymentMethods.map(({ id }) => id) } : answer;
    },
    close: () => graphql.close(),
  };
}

async function mutation<T>(graphql: GraphQLClient, query: string, input: object, caller: Caller): Promise<Result<T>> {
  const answer = await graphql.send<{ result: Union<T> }>({ query, variables: { input }, ...caller });
  if (!answer.ok) return answer;
  const { result } = answer.data;
  if (isFailure(result)) {
    const { code, message, retryable } = result;
    return { ok: false, code, message, retryable };
  }
  return { ...result, ok: true };
}

const isFailure = (result: object): result is FailureShape =>
  '__typename' in result && (result.__typename === 'Refused' || result.__typename === 'InvalidInput');
