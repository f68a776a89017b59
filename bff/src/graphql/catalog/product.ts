// Products, variants and categories as types.
import {
  type Category,
  type Product,
  type ProductOption,
  ProductSort,
  type SelectedOption,
  StockBand,
  type Variant,
} from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { builder } from '../builder.ts';
import { given } from '../given.ts';
import { MoneyRef } from '../money.ts';

export const AvailabilityRef = builder.enumType('Availability', {
  description: 'A band instead of a count. It follows the stock with a short delay; the checkout decides.',
  values: {
    OUT_OF_STOCK: { value: StockBand.OUT_OF_STOCK },
    LOW: { value: StockBand.LOW, description: 'Five units or fewer.' },
    IN_STOCK: { value: StockBand.IN_STOCK },
  },
});

/** A band that is not known yet is shown as sold out: nothing is promised. */
function bandOf(availability: StockBand): typeof AvailabilityRef.$inferType {
  if (availability === StockBand.IN_STOCK) return StockBand.IN_STOCK;
  return availability === StockBand.LOW ? StockBand.LOW : StockBand.OUT_OF_STOCK;
}

export const ProductSortRef = builder.enumType('ProductSort', {
  values: {
    NEWEST: { value: ProductSort.NEWEST },
    PRICE_ASC: { value: ProductSort.PRICE_ASC },
    PRICE_DESC: { value: ProductSort.PRICE_DESC },
    NAME: { value: ProductSort.NAME },
  },
});

export const CategoryRef = builder.objectRef<Category>('Category');
CategoryRef.implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    slug: t.exposeString('slug'),
    name: t.exposeString('name'),
    parentId: t.id({ nullable: true, resolve: ({ parentId }) => parentId || null }),
    position: t.exposeInt('position'),
  }),
});

const ProductOptionRef = builder.objectRef<ProductOption>('ProductOption').implement({
  description: 'What variants differ in, for example Size with S, M and L.',
  fields: (t) => ({
    name: t.exposeString('name'),
    values: t.exposeStringList('values'),
  }),
});

const SelectedOptionRef = builder.objectRef<SelectedOption>('SelectedOption').implement({
  fields: (t) => ({
    name: t.exposeString('name'),
    value: t.exposeString('value'),
  }),
});

// No field leads back from a variant to its product: a schema without cycles bounds what a query can cost.
export const VariantRef = builder.objectRef<Variant>('Variant').implement({
  description: 'What can be bought: one SKU.',
  fields: (t) => ({
    sku: t.exposeString('sku'),
    name: t.exposeString('name'),
    options: t.field({ type: [SelectedOptionRef], resolve: ({ options }) => options }),
    price: t.field({ type: MoneyRef, resolve: ({ price }) => given(price, 'a price') }),
    availability: t.field({ type: AvailabilityRef, resolve: ({ availability }) => bandOf(availability) }),
    productId: t.exposeID('productId'),
    productName: t.exposeString('productName'),
    productSlug: t.exposeString('productSlug'),
    imageUrl: t.string({ nullable: true, resolve: ({ imageUrl }) => imageUrl || null }),
  }),
});

export const ProductRef = builder.objectRef<Product>('Product').implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    slug: t.exposeString('slug'),
    name: t.exposeString('name'),
    description: t.exposeString('description'),
    imageUrl: t.string({ nullable: true, resolve: ({ imageUrl }) => imageUrl || null }),
    options: t.field({ type: [ProductOptionRef], resolve: ({ options }) => options }),
    variants: t.field({ type: [VariantRef], resolve: ({ variants }) => variants }),
    priceFrom: t.field({ type: MoneyRef, nullable: true, resolve: ({ priceFrom }) => priceFrom }),
    priceTo: t.field({ type: MoneyRef, nullable: true, resolve: ({ priceTo }) => priceTo }),
    availability: t.field({
      type: AvailabilityRef,
      description: 'The best among the variants.',
      resolve: ({ availability }) => bandOf(availability),
    }),
    categories: t.field({
      type: [CategoryRef],
      resolve: async ({ categoryIds }, _, { loaders }) =>
        (await loaders.categories()).filter(({ id }) => categoryIds.includes(id)),
    }),
  }),
});
