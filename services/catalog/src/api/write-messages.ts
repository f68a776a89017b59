// Domain to wire. Money becomes a message here and nowhere before.
import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  CategorySchema,
  ListProductsResponseSchema,
  ProductEdgeSchema,
  ProductSchema,
  VariantSchema,
} from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { encodeCursor, type Page, type Position, type Sort } from '../domain/paging.ts';
import type { CategoryRow } from '../infrastructure/categories.ts';
import type { ProductRow } from '../infrastructure/load-products.ts';
import type { PricedVariantRow } from '../infrastructure/load-variants.ts';

export function writeProduct(row: ProductRow): MessageInitShape<typeof ProductSchema> {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    description: row.description,
    imageUrl: row.image_url,
    categoryIds: [...row.category_ids],
    options: row.options.map(({ name, values }) => ({ name, values: [...values] })),
    variants: row.variants.map((variant) => ({
      sku: variant.sku,
      productId: row.id,
      name: variant.name,
      options: [...variant.options],
      price: { currency: variant.currency, minor: BigInt(variant.price) },
      priceVersion: variant.priceVersion,
      availability: variant.availability,
      productName: row.name,
      productSlug: row.slug,
      imageUrl: row.image_url,
    })),
    priceFrom: { currency: row.currency, minor: row.price_from_minor },
    priceTo: { currency: row.currency, minor: row.price_to_minor },
    availability: row.availability,
  };
}

export function writeVariant(row: PricedVariantRow): MessageInitShape<typeof VariantSchema> {
  return {
    sku: row.sku,
    productId: row.product_id,
    name: row.name,
    options: [...row.options],
    price: { currency: row.currency, minor: row.price_minor },
    priceVersion: row.price_version,
    availability: row.availability,
    productName: row.product_name,
    productSlug: row.product_slug,
    imageUrl: row.image_url,
  };
}

export function writeCategory(row: CategoryRow): MessageInitShape<typeof CategorySchema> {
  return { id: row.id, slug: row.slug, name: row.name, parentId: row.parent_id ?? '', position: row.position };
}

/** The positions that belong on the page: all but the one that was read to see whether another page follows. */
export function onPage(positions: readonly Position[], page: Page): readonly Position[] {
  return positions.slice(0, page.first);
}

/** Edges and page info of a page; `positions` as they were read, `rows` the products of those on the page. */
export function writePage(sort: Sort, page: Page, positions: readonly Position[], rows: readonly ProductRow[]) {
  const shown = onPage(positions, page);
  const cursors = new Map(shown.map((position) => [position.id, encodeCursor(sort, position)]));
  const last = shown.at(-1);
  const edges: MessageInitShape<typeof ProductEdgeSchema>[] = rows.map((row) => ({
    product: writeProduct(row),
    cursor: cursors.get(row.id) ?? '',
  }));
  return {
    edges,
    pageInfo: {
      hasNextPage: positions.length > page.first,
      endCursor: last === undefined ? '' : encodeCursor(sort, last),
    },
  } satisfies MessageInitShape<typeof ListProductsResponseSchema>;
}
