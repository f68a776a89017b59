import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { CatalogService } from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { InventoryService } from '@stoa/proto/stoa/inventory/v1/inventory_pb';
import { OrdersService } from '@stoa/proto/stoa/orders/v1/orders_pb';
import { describe, expect, test } from 'vitest';
import { ask } from '../support/http.ts';
import type { Shop } from '../support/shop.ts';

interface Page {
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly slug: string } }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const PAGE = `query ($after: String) {
  products(first: 60, after: $after, sort: NAME) { edges { cursor node { slug } } pageInfo { hasNextPage endCursor } }
}`;

export function browsing(shop: () => Shop): void {
  describe('browsing', () => {
    test('paging through the products shows each of the 200 seeded ones once', async () => {
      const slugs: string[] = [];
      let after: string | null = null;
      for (let pages = 0; pages < 4; pages += 1) {
        const page: Page = (await ask(shop().url, PAGE, { after })).data.products;
        slugs.push(...page.edges.map(({ node }) => node.slug));
        after = page.pageInfo.endCursor;
        expect(page.pageInfo.hasNextPage).toBe(pages < 3);
      }
      expect(slugs).toHaveLength(200);
      expect(new Set(slugs).size).toBe(200);
    });

    test('a product is found by its slug, with variants, prices and a picture; an unknown slug is null', async () => {
      const { slug, id } = await anyProduct(shop());
      const { data, errors } = await ask(
        shop().url,
        `query ($slug: String) {
          found: product(slug: $slug) { id name imageUrl priceFrom { formatted } categories { slug } options { name }
            variants { sku price { minor currency formatted } options { name value } availability } }
          unknown: product(slug: "no-such-product") { id }
        }`,
        { slug },
      );
      expect(errors).toBeUndefined();
      expect(data.unknown).toBeNull();
      expect(data.found).toMatchObject({ id, imageUrl: `/images/products/${slug}.svg` });
      expect(data.found.categories.length).toBeGreaterThan(0);
      expect(data.found.variants[0]).toMatchObject({
        price: { currency: 'EUR', minor: expect.stringMatching(/^\d+$/) },
      });
      expect(data.found.options).toHaveLength(data.found.variants[0].options.length);
    });

    test('a search ranks products and counts the categories of the whole result', async () => {
      const { data } = await ask(
        shop().url,
        '{ search(term: "wool", first: 2) { total edges { node { name } } facets { categories { count category { slug } } } } }',
      );
      expect(data.search.total).toBeGreaterThan(2);
      expect(data.search.edges).toHaveLength(2);
      const counts: number[] = data.search.facets.categories.map(({ count }: { count: number }) => count);
      expect(Math.max(...counts)).toBeLessThanOrEqual(data.search.total);
      expect(counts.every((count) => count > 0)).toBe(true);
    });

    test('the categories form a tree, and a category filter narrows the products', async () => {
      const { data } = await ask(shop().url, '{ categories { id slug parentId } all: search(term: "a") { total } }');
      const ids = new Set(data.categories.map(({ id }: { id: string }) => id));
      const leaf = data.categories.find(({ parentId }: { parentId: string | null }) => parentId !== null);
      expect(data.categories).toHaveLength(25);
      expect(ids.has(leaf.parentId)).toBe(true);
      const filtered = await ask(
        shop().url,
        'query ($c: String) { products(first: 100, filter: { category: $c }) { edges { node { categories { slug } } } } }',
        { c: leaf.slug },
      );
      expect(filtered.data.products.edges).toHaveLength(10);
    });

    test("a product's picture is an SVG", async () => {
      const { slug } = await anyProduct(shop());
      const response = await fetch(`${shop().url}/images/products/${slug}.svg`);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toContain('image/svg+xml');
      expect(await response.text()).toMatch(/^<svg /);
    });

    test('the shop says that it is alive and ready', async () => {
      for (const path of ['/health/live', '/health/ready']) {
        expect((await fetch(`${shop().url}${path}`)).status, path).toBe(200);
      }
    });

    test('GraphiQL is served in development', async () => {
      const response = await fetch(`${shop().url}/graphql`, { headers: { accept: 'text/html' } });
      expect(response.headers.get('content-type')).toContain('text/html');
      expect(await response.text()).toContain('GraphiQL');
    });
  });

  describe('the edge for generated clients', () => {
    const transport = () => createConnectTransport({ baseUrl: shop().url, httpVersion: '1.1' });

    test('a Connect client calls a public method', async () => {
      const { slug } = await anyProduct(shop());
      const { product } = await createClient(CatalogService, transport()).getProduct({
        by: { case: 'slug', value: slug },
      });
      expect(product).toMatchObject({ slug });
    });

    test('an internal method is not served, not even to a forged credential', async () => {
      const headers = { 'x-stoa-service-credential': 'forged', 'l5d-client-id': 'cli' };
      const call = createClient(InventoryService, transport()).receiveStock({}, { headers });
      await expect(call).rejects.toThrow('[unimplemented]');
      const contacts = createClient(OrdersService, transport()).getContacts({}, { headers });
      await expect(contacts).rejects.toThrow('[unimplemented]');
    });
  });
}

async function anyProduct(shop: Shop): Promise<{ readonly id: string; readonly slug: string }> {
  const { data } = await ask(shop.url, '{ products(first: 1) { edges { node { id slug } } } }');
  return data.products.edges[0].node;
}
