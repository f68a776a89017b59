import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { buildCatalogue } from '../../catalogue.ts';
import { drawn, uuidOf } from '../../drawn.ts';

const { categories, products, stock } = buildCatalogue();
const variants = products.flatMap((product) => product.variants ?? []);
const unique = (list: readonly unknown[]) => new Set(list).size === list.length;

describe('the seeded catalogue', () => {
  it('is the same every time', () => {
    expect(buildCatalogue()).toEqual({ categories, products, stock });
  });

  it('books the same stock as ever under the same receipts', () => {
    const text = stock.map(({ sku, quantity }) => `${sku} ${quantity}`).join('\n');
    // When SKUs or quantities change on purpose, raise STOCK_EDITION in seed.ts together with this.
    expect(createHash('sha256').update(text).digest('hex').slice(0, 16)).toBe('68e4cd8ffebb68a8');
  });

  it('has 5 categories with 4 below each, 200 products and 500 to 700 variants', () => {
    expect(categories.filter((category) => category.parentId === '')).toHaveLength(5);
    expect(categories).toHaveLength(25);
    expect(products).toHaveLength(200);
    expect(variants.length).toBeGreaterThanOrEqual(500);
    expect(variants.length).toBeLessThanOrEqual(700);
  });

  it('gives every id, slug and SKU once', () => {
    expect(unique([...categories, ...products].map((item) => item.id))).toBe(true);
    expect(unique(categories.map((category) => category.slug))).toBe(true);
    expect(unique(products.map((product) => product.slug))).toBe(true);
    expect(unique(variants.map((variant) => variant.sku))).toBe(true);
  });

  it('prices every variant above zero in one currency', () => {
    expect(variants.every((variant) => (variant.price?.minor ?? 0n) > 0n && variant.price?.currency === 'EUR')).toBe(
      true,
    );
  });

  it('has stock for a long load test, and a few variants that are scarce or sold out', () => {
    expect(stock.map((line) => line.sku)).toEqual(variants.map((variant) => variant.sku));
    const count = (holds: (quantity: bigint) => boolean) => stock.filter((line) => holds(line.quantity)).length;
    expect(count((quantity) => quantity >= 1000n && quantity <= 100_000n)).toBeGreaterThan(0.9 * stock.length);
    expect(count((quantity) => quantity === 3n)).toBeGreaterThan(3);
    expect(count((quantity) => quantity === 0n)).toBeGreaterThan(3);
  });

  it('shows every kind of product among the newest twenty', () => {
    expect(unique(products.slice(-20).map((product) => product.categoryIds?.[0]))).toBe(true);
  });
});

describe('what is drawn for a name', () => {
  it('is a UUID of version 8 and variant 10', () => {
    expect(uuidOf('a')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuidOf('a')).not.toBe(uuidOf('b'));
  });

  it('stays below its bound', () => {
    for (const bound of [1, 2, 7, 99_001]) expect(drawn('x', bound)).toBeLessThan(bound);
  });
});
