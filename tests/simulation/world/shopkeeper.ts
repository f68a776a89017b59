// Who fills the shelves before the shop opens, and while it is open changes prices and receives goods.
import { type Client, createClient } from '@connectrpc/connect';
import { CatalogService, StockBand } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { InventoryService } from '@stoa/proto/stoa/inventory/v1/inventory_pb';
import type { Rng } from '../kernel/random.ts';
import type { Incarnation } from '../ports/process.ts';
import type { World } from './world.ts';

export interface Article {
  readonly sku: string;
  readonly productId: string;
  /** What it has ever cost. The last price is the one that was asked for last. */
  readonly prices: bigint[];
}

export interface ShopkeeperOptions {
  readonly world: World;
  readonly rng: Rng;
  readonly self: Incarnation;
  /** Repeats until it works. */
  readonly insist: <T>(call: () => Promise<T>, until?: (value: T) => boolean) => Promise<T>;
}

const productId = (index: number) => `0190a000-0000-7000-8000-00000000020${index}`;
const DEEDS_MAX = 4;
const RECEIVED_MAX = 4;

export function createShopkeeper({ world: { options, network }, rng, self, insist }: ShopkeeperOptions) {
  const { clock, ids } = self.runtime();
  const catalog: Client<typeof CatalogService> = createClient(
    CatalogService,
    network.transport(self, 'cli', 'catalog'),
  );
  const inventory: Client<typeof InventoryService> = createClient(
    InventoryService,
    network.transport(self, 'cli', 'inventory'),
  );
  const articles: Article[] = Array.from({ length: options.skus }, (_, index) => ({
    sku: `sku-${index}`,
    productId: productId(index),
    // Prices whose tax does not come out even.
    prices: [BigInt(333 + index * 1117)],
  }));

  const store = (list: readonly Article[]) =>
    insist(() =>
      catalog.upsertProducts({
        products: list.map(({ sku, productId: id, prices }) => ({
          id,
          slug: sku,
          name: sku,
          description: 'A product',
          variants: [{ sku, name: sku, price: { currency: 'EUR', minor: prices.at(-1) as bigint } }],
        })),
      }),
    );

  /** Under one id, however often it is repeated. */
  function receive(list: readonly Article[], units: number) {
    const receiptId = ids.uuid();
    const lines = list.map(({ sku }) => ({ sku, quantity: BigInt(units) }));
    return insist(() => inventory.receiveStock({ receiptId, lines }));
  }

  return {
    articles: articles as readonly Article[],
    async fillShelves(): Promise<void> {
      await store(articles);
      await receive(articles, options.unitsEach);
      await insist(
        () => catalog.getVariants({ skus: articles.map(({ sku }) => sku) }),
        ({ variants: found }) =>
          found.length === articles.length && found.every((v) => v.availability !== StockBand.OUT_OF_STOCK),
      );
    },
    async work(): Promise<void> {
      for (let deeds = rng.below(DEEDS_MAX + 1); deeds > 0; deeds--) {
        await clock.sleep(rng.between(0, 2 * options.thinkMaxMs));
        const article = rng.pick(articles);
        if (rng.chance(0.3)) {
          await receive([article], 1 + rng.below(RECEIVED_MAX));
        } else {
          article.prices.push(BigInt(101 + rng.below(4000)));
          await store([article]);
        }
      }
    },
  };
}
