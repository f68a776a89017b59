// Requests that the integration tests start from: valid, small, and each different in what matters to the test.
import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Client } from '@connectrpc/connect';
import { received, type TestService, testService } from '@stoa/chassis/testing/test-service';
import {
  CatalogService,
  type CategorySchema,
  type ProductEdge,
  type ProductFilterSchema,
  type ProductSchema,
  type ProductSort,
} from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { StockLevelChangedSchema } from '@stoa/proto/stoa/inventory/v1/stock_events_pb';
import { inject } from 'vitest';
import { catalog } from '../src/service.ts';

export type CatalogClient = Client<typeof CatalogService>;

export async function startCatalog(): Promise<{ service: TestService; client: CatalogClient }> {
  const service = await testService(catalog, { postgresUrl: inject('postgresUrl') });
  return { service, client: service.client(CatalogService) };
}

/** The same UUID for the same name. */
export function idOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export function categoryInit(slug: string, name: string, parent = ''): MessageInitShape<typeof CategorySchema> {
  return { id: idOf(slug), slug, name, parentId: parent === '' ? '' : idOf(parent), position: 0 };
}

export interface ProductSpec {
  readonly slug: string;
  readonly name?: string;
  readonly description?: string;
  readonly categories?: readonly string[];
  /** Minor units by SKU. */
  readonly prices?: Readonly<Record<string, bigint>>;
}

export function productInit(spec: ProductSpec): MessageInitShape<typeof ProductSchema> {
  const { slug, name = slug, description = '', categories = [], prices = { [`${slug}-1`]: 1000n } } = spec;
  const skus = Object.keys(prices);
  return {
    id: idOf(slug),
    slug,
    name,
    description,
    imageUrl: `/images/products/${slug}.svg`,
    categoryIds: categories.map(idOf),
    options: [{ name: 'Size', values: skus }],
    variants: skus.map((sku) => ({
      sku,
      name: sku,
      options: [{ name: 'Size', value: sku }],
      price: { currency: 'EUR', minor: prices[sku] as bigint },
    })),
  };
}

export const level = (sku: string, available: bigint, version: bigint) =>
  received(StockLevelChangedSchema, { sku, version, onHand: available, reserved: 0n, available });

export interface Walk {
  readonly sort: ProductSort;
  readonly filter?: MessageInitShape<typeof ProductFilterSchema>;
  readonly first?: number;
}

/** Follows the cursors to the end; the edges in the order they came. */
export async function walk(client: CatalogClient, { sort, filter = {}, first = 3 }: Walk): Promise<ProductEdge[]> {
  const edges: ProductEdge[] = [];
  for (let after = ''; ; ) {
    const page = await client.listProducts({ sort, filter, page: { first, after } });
    edges.push(...page.edges);
    if (page.pageInfo?.hasNextPage !== true) return edges;
    after = page.pageInfo.endCursor;
  }
}

export const slugsOf = (edges: readonly ProductEdge[]) => edges.map((edge) => edge.product?.slug ?? '');
