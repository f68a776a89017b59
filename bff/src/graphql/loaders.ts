// One look-up for each thing of a request, however many fields ask for it; batched wherever a list can ask. Made
// lazily, because most requests need none. Keys are the full arguments of the call.
//
// Every read is an async function, because DataLoader takes a throw for a bug of the loader and replaces the error:
// what the call's options refuse (context.ts) must reach the client as it is.
import { type CallOptions, Code, ConnectError } from '@connectrpc/connect';
import type { Category, Product, Variant } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import type { OrderHistory } from '@stoa/proto/stoa/orders/v1/orders_pb';
import type { GetPaymentResponse } from '@stoa/proto/stoa/payments/v1/payments_pb';
import type { Shipment } from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import DataLoader from 'dataloader';
import type { Clients } from './clients.ts';
import { given } from './given.ts';

/** What the batch methods take at most. */
const VARIANTS_MAX = 200;
const ORDERS_MAX = 100;

export interface Loaders {
  readonly variantBySku: DataLoader<string, Variant | undefined>;
  readonly productById: DataLoader<string, Product | undefined>;
  readonly paymentByOrder: DataLoader<string, GetPaymentResponse | undefined>;
  readonly shipmentByOrder: DataLoader<string, Shipment | undefined>;
  readonly historyByOrder: DataLoader<HistoryKey, OrderHistory | undefined, string>;
  /** The whole tree, parents first. */
  categories(): Promise<readonly Category[]>;
  /** Forgets what was looked up. */
  forget(): void;
}

export interface HistoryKey {
  readonly orderId: string;
  readonly accessToken: string;
}

/** undefined in place of NOT_FOUND; other errors stay errors. */
export async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.NotFound) return undefined;
    throw error;
  }
}

/** A loader without a batch method behind it: it still asks once for each key. */
function each<Key, Value>(read: (key: Key) => Promise<Value>) {
  const readOne = async (key: Key) => {
    try {
      return await read(key);
    } catch (error) {
      return error as Error;
    }
  };
  return new DataLoader<Key, Value>((keys) => Promise.all(keys.map(readOne)));
}

/** A loader over a method that answers many at once, in no order and without those that do not exist. */
function many<Key, Value, CacheKey = Key>(options: ManyOptions<Key, Value, CacheKey>) {
  const { max, read, idOf, keyOf, ...rest } = options;
  const readAll = async (keys: readonly Key[]) => {
    const byId = new Map((await read(keys)).map((value) => [idOf(value), value]));
    return keys.map((key) => byId.get(keyOf(key)));
  };
  return new DataLoader<Key, Value | undefined, CacheKey>(readAll, { maxBatchSize: max, ...rest });
}

interface ManyOptions<Key, Value, CacheKey> {
  /** Keys that one call may have. */
  readonly max: number;
  read(keys: readonly Key[]): Promise<readonly Value[]>;
  idOf(value: Value): string;
  keyOf(key: Key): string;
  readonly cacheKeyFn?: (key: Key) => CacheKey;
}

/** Things made when they are first wanted, and anew after `forget`. */
function createShelf() {
  let kept = new Map<() => unknown, unknown>();
  return {
    lazy<T>(make: () => T): () => T {
      return () => {
        if (!kept.has(make)) kept.set(make, make());
        return kept.get(make) as T;
      };
    },
    forget() {
      kept = new Map();
    },
  };
}

/**
 * The loaders of one request. `call` gives options on the user's behalf; `callAsSelf` those of the BFF itself, for
 * what the contract shows to no user directly (payments and shipments): ask only for orders that the user has read.
 */
export function createLoaders(clients: Clients, call: () => CallOptions, callAsSelf: () => CallOptions): Loaders {
  const { lazy, forget } = createShelf();
  const { catalog, orders, payments, shipping } = clients;
  const itself = (id: string) => id;
  const variantBySku = lazy(() =>
    many({
      max: VARIANTS_MAX,
      read: async (skus: readonly string[]) => (await catalog.getVariants({ skus: [...skus] }, call())).variants,
      idOf: ({ sku }) => sku,
      keyOf: itself,
    }),
  );
  const productById = lazy(() =>
    each(async (id: string) => {
      const by = { case: 'id', value: id } as const;
      return (await orUndefined(catalog.getProduct({ by }, call())))?.product;
    }),
  );
  const paymentByOrder = lazy(() =>
    many({
      max: ORDERS_MAX,
      read: async (ids: readonly string[]) =>
        (await payments.getPayments({ orderIds: [...ids] }, callAsSelf())).payments,
      idOf: ({ payment }) => given(payment, 'a payment').orderId,
      keyOf: itself,
    }),
  );
  const shipmentByOrder = lazy(() =>
    many({
      max: ORDERS_MAX,
      read: async (ids: readonly string[]) =>
        (await shipping.getShipments({ orderIds: [...ids] }, callAsSelf())).shipments,
      idOf: ({ orderId }) => orderId,
      keyOf: itself,
    }),
  );
  const historyByOrder = lazy(() =>
    many({
      max: ORDERS_MAX,
      read: async (keys: readonly HistoryKey[]) =>
        (await orders.getOrderHistories({ orders: [...keys] }, call())).histories,
      idOf: ({ orderId }) => orderId,
      keyOf: ({ orderId }) => orderId,
      cacheKeyFn: ({ orderId, accessToken }) => `${orderId} ${accessToken}`,
    }),
  );
  return {
    get variantBySku() {
      return variantBySku();
    },
    get productById() {
      return productById();
    },
    get paymentByOrder() {
      return paymentByOrder();
    },
    get shipmentByOrder() {
      return shipmentByOrder();
    },
    get historyByOrder() {
      return historyByOrder();
    },
    forget,
    categories: lazy(async () => (await catalog.listCategories({}, call())).categories),
  };
}
