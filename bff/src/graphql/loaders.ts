// One look-up for each thing of a request, however many fields ask for it; batched where the contract allows. Made
// lazily, because most requests need none. Keys are the full arguments of the call.
import { type CallOptions, Code, ConnectError } from '@connectrpc/connect';
import type { Category, Product, Variant } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import type { OrderHistoryEntry } from '@stoa/proto/stoa/orders/v1/orders_pb';
import type { GetPaymentResponse } from '@stoa/proto/stoa/payments/v1/payments_pb';
import type { Shipment } from '@stoa/proto/stoa/shipping/v1/shipping_pb';
import DataLoader from 'dataloader';
import type { Clients } from './clients.ts';

/** CatalogService.GetVariants takes at most this many. */
const VARIANTS_MAX = 200;

export interface Loaders {
  readonly variantBySku: DataLoader<string, Variant | undefined>;
  readonly productById: DataLoader<string, Product | undefined>;
  readonly paymentByOrder: DataLoader<string, GetPaymentResponse | undefined>;
  readonly shipmentByOrder: DataLoader<string, Shipment | undefined>;
  readonly historyByOrder: DataLoader<HistoryKey, readonly OrderHistoryEntry[], string>;
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
function each<Key, Value, CacheKey = Key>(read: (key: Key) => Promise<Value>, cacheKeyFn?: (key: Key) => CacheKey) {
  const readAll = (keys: readonly Key[]) =>
    Promise.all(keys.map((key) => read(key).catch((error: unknown) => error as Error)));
  return new DataLoader<Key, Value, CacheKey>(readAll, cacheKeyFn === undefined ? {} : { cacheKeyFn });
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
  const variants = lazy(
    () => new DataLoader<string, Variant | undefined>(loadVariants(clients, call), { maxBatchSize: VARIANTS_MAX }),
  );
  const products = lazy(() =>
    each(async (id: string) => {
      const by = { case: 'id', value: id } as const;
      return (await orUndefined(clients.catalog.getProduct({ by }, call())))?.product;
    }),
  );
  const payments = lazy(() =>
    each((orderId: string) => orUndefined(clients.payments.getPayment({ orderId }, callAsSelf()))),
  );
  const shipments = lazy(() =>
    each(
      async (orderId: string) => (await orUndefined(clients.shipping.getShipment({ orderId }, callAsSelf())))?.shipment,
    ),
  );
  const histories = lazy(() =>
    each<HistoryKey, readonly OrderHistoryEntry[], string>(
      async (key) => (await clients.orders.getOrderHistory(key, call())).entries,
      ({ orderId, accessToken }) => `${orderId} ${accessToken}`,
    ),
  );
  return {
    get variantBySku() {
      return variants();
    },
    get productById() {
      return products();
    },
    get paymentByOrder() {
      return payments();
    },
    get shipmentByOrder() {
      return shipments();
    },
    get historyByOrder() {
      return histories();
    },
    forget,
    categories: lazy(async () => (await clients.catalog.listCategories({}, call())).categories),
  };
}

function loadVariants(clients: Clients, call: () => CallOptions) {
  return async (skus: readonly string[]) => {
    const { variants } = await clients.catalog.getVariants({ skus: [...skus] }, call());
    const bySku = new Map(variants.map((variant) => [variant.sku, variant]));
    return skus.map((sku) => bySku.get(sku));
  };
}
