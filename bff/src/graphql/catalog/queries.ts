// Reading the catalog.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { invalidArgument } from '@stoa/chassis/rpc/errors';
import { validate } from '@stoa/chassis/rpc/validate';
import {
  type Category,
  type ProductEdge,
  type ProductFilterSchema,
  ProductSort,
} from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { builder } from '../builder.ts';
import { given } from '../given.ts';
import { orUndefined } from '../loaders.ts';
import { parseMinor } from '../money.ts';
import { pageRequest, toConnection } from '../paging.ts';
import { mentions } from '../selection.ts';
import { CategoryRef, ProductRef, ProductSortRef } from './product.ts';

const ProductFilterInput = builder.inputType('ProductFilterInput', {
  fields: (t) => ({
    category: t.string({ description: "A category's slug: products in it or below it." }),
    inStock: t.boolean({ description: 'Only products with a variant that can be bought now.' }),
    priceMin: t.string({ description: 'Bound on the lowest price, in minor units as text.' }),
    priceMax: t.string({ description: 'Bound on the lowest price, in minor units as text.' }),
  }),
});

function readFilter(
  filter: typeof ProductFilterInput.$inferInput | null | undefined,
): MessageInitShape<typeof ProductFilterSchema> {
  const priceMin = parseMinor(filter?.priceMin ?? '0');
  const priceMax = parseMinor(filter?.priceMax ?? '0');
  validate((checks) => {
    checks.require(priceMin !== undefined, 'filter.priceMin', 'must be an integer of minor units');
    checks.require(priceMax !== undefined, 'filter.priceMax', 'must be an integer of minor units');
  });
  return {
    categorySlug: filter?.category ?? '',
    inStock: filter?.inStock ?? false,
    priceMinMinor: priceMin ?? 0n,
    priceMaxMinor: priceMax ?? 0n,
  };
}

const toEdge = ({ product, cursor }: ProductEdge) => ({ cursor, node: given(product, 'a product') });

const ProductConnection = builder.connectionObject({ type: ProductRef, name: 'ProductConnection' });

interface Facet {
  readonly categoryId: string;
  readonly count: number;
}

const FacetRef = builder.objectRef<{ readonly category: Category; readonly count: number }>('CategoryFacet').implement({
  fields: (t) => ({
    category: t.field({ type: CategoryRef, resolve: ({ category }) => category }),
    count: t.exposeInt('count'),
  }),
});

const FacetsRef = builder.objectRef<readonly Facet[]>('SearchFacets').implement({
  description: 'Counts over the whole result, not the page.',
  fields: (t) => ({
    categories: t.field({
      type: [FacetRef],
      resolve: async (facets, _, { loaders }) => {
        const byId = new Map((await loaders.categories()).map((category) => [category.id, category]));
        return facets.flatMap(({ categoryId, count }) => {
          const category = byId.get(categoryId);
          return category === undefined ? [] : [{ category, count }];
        });
      },
    }),
  }),
});

type SearchShape = typeof ProductConnection.$inferType & {
  readonly total: number;
  readonly facets: readonly Facet[];
};

const SearchEdge = builder.edgeObject({ type: ProductRef, name: 'SearchResultEdge' });
const SearchConnection = builder.connectionObject(
  {
    type: ProductRef,
    name: 'SearchResultConnection',
    fields: (t) => ({
      total: t.int({ resolve: (result) => (result as SearchShape).total }),
      facets: t.field({ type: FacetsRef, resolve: (result) => (result as SearchShape).facets }),
    }),
  },
  SearchEdge,
);

builder.queryFields((t) => ({
  product: t.field({
    type: ProductRef,
    nullable: true,
    description: 'One product, by id or by slug.',
    args: { id: t.arg.id(), slug: t.arg.string() },
    resolve: async (_, { id, slug }, { clients, loaders, call }) => {
      if ((id == null) === (slug == null)) {
        throw invalidArgument([{ field: 'id', description: 'give either id or slug' }]);
      }
      if (slug == null) return loaders.productById.load(String(id));
      const answer = await orUndefined(clients.catalog.getProduct({ by: { case: 'slug', value: slug } }, call()));
      return answer?.product;
    },
  }),
  products: t.field({
    type: ProductConnection,
    nullable: true,
    args: {
      first: t.arg.int({ description: '1 to 100; 20 when left out.' }),
      after: t.arg.string(),
      filter: t.arg({ type: ProductFilterInput }),
      sort: t.arg({ type: ProductSortRef }),
    },
    resolve: async (_, { first, after, filter, sort }, { clients, call }, info) => {
      const request = {
        page: pageRequest({ first, after }),
        filter: readFilter(filter),
        sort: sort ?? ProductSort.NEWEST,
        withoutVariants: !mentions(info, 'variants'),
      };
      const { edges, pageInfo } = await clients.catalog.listProducts(request, call());
      return toConnection({ edges: edges.map(toEdge), info: pageInfo, after });
    },
  }),
  search: t.field({
    type: SearchConnection,
    nullable: true,
    description: 'Full-text search, best first. Words are joined by AND; "-word" excludes.',
    args: {
      term: t.arg.string({ required: true }),
      first: t.arg.int({ description: '1 to 100; 20 when left out.' }),
      after: t.arg.string(),
      filter: t.arg({ type: ProductFilterInput }),
    },
    resolve: async (_, { term, first, after, filter }, { clients, call }, info) => {
      const request = {
        term,
        page: pageRequest({ first, after }),
        filter: readFilter(filter),
        withoutVariants: !mentions(info, 'variants'),
        withoutFacets: !mentions(info, 'facets'),
      };
      const answer = await clients.catalog.searchProducts(request, call());
      const connection = toConnection({ edges: answer.edges.map(toEdge), info: answer.pageInfo, after });
      return { ...connection, total: answer.total, facets: answer.categories };
    },
  }),
  categories: t.field({
    type: [CategoryRef],
    nullable: true,
    description: 'The category tree as a flat list, parents first.',
    resolve: async (_, _args, { loaders }) => [...(await loaders.categories())],
  }),
}));
