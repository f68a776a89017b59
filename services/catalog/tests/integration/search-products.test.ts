import { sql } from '@stoa/chassis/postgres/sql';
import { reasonOf, violationsOf } from '@stoa/chassis/rpc/errors';
import type { TestService } from '@stoa/chassis/testing/test-service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogClient, categoryInit, idOf, level, productInit, slugsOf, startCatalog } from '../products.ts';

let service: TestService;
let client: CatalogClient;

beforeAll(async () => {
  ({ service, client } = await startCatalog());
  await client.upsertCategories({
    categories: [
      categoryInit('clothing', 'Clothing'),
      categoryInit('shirts', 'Shirts', 'clothing'),
      categoryInit('jackets', 'Jackets', 'clothing'),
      categoryInit('home', 'Home'),
    ],
  });
  await client.upsertProducts({
    products: [
      productInit({ slug: 'oxford', name: 'Oxford Shirt', description: 'Crisp cotton.', categories: ['shirts'] }),
      productInit({ slug: 'camp', name: 'Camp Collar', description: 'Airy linen.', categories: ['shirts'] }),
      productInit({ slug: 'parka', name: 'Parka', description: 'Fits over a shirt.', categories: ['jackets'] }),
      productInit({ slug: 'ceramic-mug', name: 'Ceramic Mug', description: 'Holds tea.', categories: ['home'] }),
      productInit({ slug: 'wool-throw', name: 'Wool Throw', description: 'Warm merino.', categories: ['home'] }),
      productInit({ slug: 'linen-throw', name: 'Linen Throw', description: 'Light.', categories: ['home'] }),
    ],
  });
  await service.deliver('catalog.availability', [level('camp-1', 9n, 1n), level('parka-1', 2n, 1n)]);
});
afterAll(() => service.stop());

const find = async (term: string) => slugsOf((await client.searchProducts({ term })).edges);

describe('search', () => {
  it('ranks a word in the name above the category and the category above the description', async () => {
    expect(await find('shirts')).toEqual(['oxford', 'camp', 'parka']);
  });

  it('joins words by AND, understands or, phrases and exclusion', async () => {
    expect(await find('linen throw')).toEqual(['linen-throw']);
    expect((await find('merino or cotton')).sort()).toEqual(['oxford', 'wool-throw']);
    expect(await find('"airy linen"')).toEqual(['camp']);
    expect(await find('throw -wool')).toEqual(['linen-throw']);
  });

  it('finds nothing when nothing but an exclusion is asked for: it would be nearly the whole shop', async () => {
    for (const term of ['-zzz', '-zzz -yyy', 'linen or -zzz', '-"airy linen"']) {
      expect([term, await client.searchProducts({ term })]).toMatchObject([term, { total: 0, edges: [] }]);
    }
    expect(await find('-zzz throw -wool')).toEqual(['linen-throw']);
  });

  it('matches the last word while it is still being typed, stems or not', async () => {
    for (const typed of ['ce', 'cer', 'ceram', 'cerami', 'ceramic', 'ceramics']) {
      expect(await find(typed)).toEqual(['ceramic-mug']);
    }
    expect(await find('linen thr')).toEqual(['linen-throw']);
    expect(await find('thr linen')).toEqual([]);
  });

  it.each(["'", '"', '!!', ':*', '& | !', '\\', '%', 'or', '-', 'the', '🧣', 'щука', '<->'])(
    'of %s finds what it finds and never fails',
    async (term) => {
      expect(await client.searchProducts({ term })).toHaveProperty('total');
    },
  );

  it('counts the whole result for each category, ancestors included, whatever the page shows', async () => {
    const result = await client.searchProducts({ term: 'shirt', page: { first: 1 } });
    expect(result.total).toBe(3);
    expect(result.edges).toHaveLength(1);
    const counts = Object.fromEntries(result.categories.map((facet) => [facet.categoryId, facet.count]));
    expect(counts).toEqual({ [idOf('clothing')]: 3, [idOf('shirts')]: 2, [idOf('jackets')]: 1 });
    const beyond = await client.searchProducts({ term: 'nothing has this word' });
    expect([beyond.total, beyond.edges, beyond.categories]).toEqual([0, [], []]);
  });

  it('counts only what the filters let through', async () => {
    const result = await client.searchProducts({ term: 'shirt', filter: { inStock: true } });
    expect([slugsOf(result.edges), result.total]).toEqual([['camp', 'parka'], 2]);
    const shirts = await client.searchProducts({ term: 'shirt', filter: { categorySlug: 'shirts' } });
    expect(slugsOf(shirts.edges)).toEqual(['oxford', 'camp']);
    const clothing = await client.searchProducts({ term: 'linen', filter: { categorySlug: 'clothing' } });
    expect(slugsOf(clothing.edges)).toEqual(['camp']);
    const unknown = await client.searchProducts({ term: 'shirt', filter: { categorySlug: 'no-such' } });
    expect(unknown.total).toBe(0);
  });

  it('leaves out variants and facets on request, and nothing else', async () => {
    const whole = await client.searchProducts({ term: 'shirt' });
    const cards = await client.searchProducts({ term: 'shirt', withoutVariants: true, withoutFacets: true });
    expect(whole.categories.length).toBeGreaterThan(0);
    expect(whole.edges.every(({ product }) => (product?.variants.length ?? 0) > 0)).toBe(true);
    const edges = whole.edges.map(({ product, cursor }) => ({ cursor, product: { ...product, variants: [] } }));
    expect(cards).toEqual({ ...whole, categories: [], edges: edges.map((edge) => expect.objectContaining(edge)) });
  });

  it('pages through equal ranks without repeating or losing one', async () => {
    const products = Array.from({ length: 7 }, (_, index) => productInit({ slug: `twin-${index}`, name: 'Twin Vase' }));
    await client.upsertProducts({ products });
    const seen: string[] = [];
    for (let after = ''; ; ) {
      const { edges, pageInfo, total } = await client.searchProducts({ term: 'twin vase', page: { first: 2, after } });
      expect(total).toBe(7);
      seen.push(...slugsOf(edges));
      if (pageInfo?.hasNextPage !== true) break;
      after = pageInfo.endCursor;
    }
    expect(seen.sort()).toEqual(products.map((product) => product.slug));
  });

  it('sheds what exceeds its queue, and keeps nothing else waiting', async () => {
    const outcomes = await service.db.transact(async (tx) => {
      // Until the transaction ends no search gets on.
      await tx.run(sql`lock table products in access exclusive mode`);
      const searches = Array.from({ length: 70 }, () => client.searchProducts({ term: 'shirt' }));
      const shed = await Promise.race(searches).catch((error: unknown) => error);
      expect(reasonOf(shed)).toBe('OVERLOADED');
      expect((await client.listCategories({})).categories).toHaveLength(4);
      return searches.map((search) => search.then(() => 'found', reasonOf));
    });
    const answers = await Promise.all(outcomes);
    expect(answers.filter((answer) => answer === 'OVERLOADED')).toHaveLength(6);
    expect(answers.filter((answer) => answer === 'found')).toHaveLength(64);
  });

  it('finds a product under the new name of its category', async () => {
    expect(await find('outerwear')).toEqual([]);
    await client.upsertCategories({ categories: [categoryInit('jackets', 'Outerwear', 'clothing')] });
    expect(await find('outerwear')).toEqual(['parka']);
  });

  it('refuses an empty term and one beyond 200 characters', async () => {
    for (const term of ['', '   ', 'x'.repeat(201), 'a\0b']) {
      const error = await client.searchProducts({ term }).catch((thrown) => thrown);
      expect(violationsOf(error)[0]?.field).toBe('term');
    }
  });
});
