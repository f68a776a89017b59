// The seeded catalogue: 5 categories with 4 below each, 200 products, some 670 variants, and stock for them. A pure
// function of the word lists beside it: ids, SKUs, prices and quantities are the same on every machine and every run.
// Most variants have stock for a long load test; a few are scarce or sold out, so that a shop looks like one.
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CategorySchema, ProductSchema, VariantSchema } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { clothing } from './clothing-leaves.ts';
import { drawn, uuidOf } from './drawn.ts';
import { home, kitchen } from './home-leaves.ts';
import type { Axis, AxisValue, Leaf } from './leaf.ts';
import { outdoors, study } from './outside-leaves.ts';

type Category = MessageInitShape<typeof CategorySchema>;
type Product = MessageInitShape<typeof ProductSchema>;
type Variant = MessageInitShape<typeof VariantSchema>;

export interface SeededStock {
  readonly sku: string;
  readonly quantity: bigint;
}

export interface SeededCatalogue {
  /** Parents first. */
  readonly categories: readonly Category[];
  /** The leaves in turn, so that the newest products are of every kind. */
  readonly products: readonly Product[];
  readonly stock: readonly SeededStock[];
}

export const SEED_CURRENCY = 'EUR';
const PRODUCTS_PER_LEAF = 10;
const roots = [clothing, home, kitchen, outdoors, study];

// 41, a prime: any step through them meets each before it repeats one.
const lines =
  `Alder Ansel Arlo Bexley Birk Bramwell Calder Corin Dalby Dorset Eider Elm Fenwick Fjord Garnet Greta Halden Harlow
  Hask Iver Juno Kelso Lark Linnea Marlow Merle Nesbit Norrland Orla Osten Pell Quill Rowan Sable Solveig Tarn Thorne
  Ula Varde Wick Yarrow`.split(/\s+/);

export function buildCatalogue(): SeededCatalogue {
  const leaves = roots.flatMap((root) => root.leaves);
  const products = Array.from({ length: PRODUCTS_PER_LEAF }, (_, index) =>
    leaves.map((leaf) => buildProduct(leaf, index)),
  ).flat();
  const skus = products.flatMap((product) => product.variants.map((variant) => variant.sku));
  return { categories: buildCategories(), products, stock: skus.map(buildStock) };
}

function buildCategories(): Category[] {
  const category = (slug: string, name: string, position: number, parent?: string): Category => ({
    id: categoryId(slug),
    slug,
    name,
    position,
    parentId: parent === undefined ? '' : categoryId(parent),
  });
  return [
    ...roots.map((root, position) => category(root.slug, root.name, position)),
    ...roots.flatMap((root) =>
      root.leaves.map((leaf, position) => category(leaf.slug, leaf.name, position, root.slug)),
    ),
  ];
}

const categoryId = (slug: string) => uuidOf(`category ${slug}`);

function at<T>(list: readonly T[], index: number): T {
  return list[index % list.length] as T;
}

function buildProduct(leaf: Leaf, index: number): Product & { variants: (Variant & { sku: string })[] } {
  const [thing, saysThing] = at(leaf.things, index);
  // Five things and four materials: no pair comes twice in twenty.
  const [material, saysMaterial] = at(leaf.materials, index);
  const line = at(lines, drawn(leaf.slug, lines.length) + 7 * index);
  const name = `${line} ${material} ${thing}`;
  const slug = slugOf(name);
  const axes = leaf.axes.map((axis) => ({ name: axis.name, values: pickValues(axis, slug) }));
  return {
    id: uuidOf(`product ${slug}`),
    slug,
    name,
    description: `${saysThing} ${saysMaterial} ${at(leaf.closings, drawn(`closing ${slug}`, leaf.closings.length))}`,
    imageUrl: `/images/products/${slug}.svg`,
    categoryIds: [categoryId(leaf.slug)],
    options: axes.map((axis) => ({ name: axis.name, values: axis.values.map((value) => value.value) })),
    variants: buildVariants(`${leaf.code}-${line.toUpperCase()}`, axes, basePrice(leaf, slug)),
  };
}

function slugOf(name: string): string {
  const plain = name.normalize('NFKD').replace(/[\p{M}'’]/gu, '');
  return plain.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}

/** The values a product comes in, in the axis' order. */
function pickValues({ name, values, pick = values.length }: Axis, slug: string): AxisValue[] {
  const start = drawn(`${name} ${slug}`, values.length);
  const picked = new Set(Array.from({ length: pick }, (_, index) => at(values, start + index)));
  return values.filter((value) => picked.has(value));
}

/** In cents, ending in 90. */
function basePrice({ euros: [from, to] }: Leaf, slug: string): number {
  return 100 * (from + drawn(`price ${slug}`, to - from + 1)) - 10;
}

interface PickedAxis {
  readonly name: string;
  readonly values: readonly AxisValue[];
}

function buildVariants(sku: string, axes: readonly PickedAxis[], cents: number): (Variant & { sku: string })[] {
  const combinations = axes.reduce<AxisValue[][]>(
    (sum, axis) => sum.flatMap((chosen) => axis.values.map((value) => [...chosen, value])),
    [[]],
  );
  return combinations.map((chosen) => {
    const percent = chosen.reduce((sum, value) => (sum * value.percent) / 100, 100);
    return {
      sku: [sku, ...chosen.map((value) => value.code)].join('-'),
      name: chosen.map((value) => value.value).join(' / '),
      options: chosen.map((value, index) => ({ name: at(axes, index).name, value: value.value })),
      price: { currency: SEED_CURRENCY, minor: BigInt(10 * Math.round((cents * percent) / 1000)) },
    };
  });
}

/** Two in a hundred are sold out, four have three left, all others 1,000 to 100,000. */
function buildStock(sku: string): SeededStock {
  const place = drawn(`scarce ${sku}`, 100);
  if (place < 2) return { sku, quantity: 0n };
  if (place < 6) return { sku, quantity: 3n };
  return { sku, quantity: BigInt(1000 + drawn(`stock ${sku}`, 99_001)) };
}
